"""Subtasks and the progress of a run with steps, and with batches."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from airflow.utils.state import TaskInstanceState

from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.growth import batch_outcomes
from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.plugin.status import batch_progress, progress, run_rows, subtask_documents
from airflow_mcp_provider.plugin.status.subtask_rows import Wanted
from tests.unit.plugin.growth.test_batch_dispatch import ERROR, Packed
from tests.unit.plugin.growth.test_steps import Staged
from tests.unit.plugin.status.paging import keys, pages

NOW = datetime.now(UTC)


@pytest.fixture
def staged(session, job):
    made = Staged(session, job)
    made.run.start_date = NOW
    session.flush()
    return made


def test_steps(session, staged):
    staged.plan("a", "b")
    staged.done("search", 0, "found a")
    staged.instance("write", 0)
    row = run_rows.one(session, "crawl", "one")
    assert [(one.key, one.step, one.state) for one in pages(session, row)] == [
        ("a", "search", "succeeded"),
        ("b", "search", "running"),
        ("a", "write", "running"),
    ]
    assert keys(session, row, step="write") == ["a"]
    assert keys(session, row, Wanted(state="succeeded")) == ["a"]
    one = subtask_documents.one(session, row, "a", None)
    assert (one.step, one.task, one.parent) == ("write", "write", "a")
    first = subtask_documents.one(session, row, "a", "search")
    assert (first.step, first.result) == ("search", "found a")
    found = progress.read(session, row, NOW)
    assert (found.known, found.done, found.running) == (2, 0, 3)
    counts = [(one.step, one.known, one.waiting, one.running, one.succeeded) for one in found.steps]
    assert counts == [("search", 2, 0, 2, 0), ("write", 1, 0, 1, 0), ("review", 0, 0, 0, 0)]


@pytest.fixture
def packed(session, job):
    made = Packed(session, job)
    made.run.start_date = NOW
    session.flush()
    return made


def test_batches(session, packed):
    packed.plan("a", "b", "c", "d")
    given = packed.next(0)
    given = packed.next(0, (given, {"error": ERROR}))
    row = run_rows.one(session, "crawl", "one")
    found = pages(session, row, step="search")
    assert [(one.key, one.state, one.map_index) for one in found] == [
        ("a", "waiting", 0),
        ("b", "running", 0),
        ("c", "waiting", 0),
        ("d", "waiting", 1),
    ]
    assert (found[0].attempt, found[1].attempt, found[2].attempt) == (1, 1, 0)
    assert [one.started is not None for one in found] == [True, True, False, False], "b since it was taken"
    assert (found[0].ended is not None, found[1].ended) == (True, None)
    given = packed.next(0, (given, {"result": "done b"}))
    found = pages(session, row, step="search")
    assert [one.state for one in found] == ["waiting", "succeeded", "running", "waiting"]
    assert keys(session, row, Wanted(state="running")) == ["c"]
    assert subtask_documents.one(session, row, "b", "search").result == "done b"
    shown = progress.read(session, row, NOW)
    assert (shown.known, shown.running) == (4, 1)
    assert [(one.waiting, one.running, one.succeeded) for one in shown.steps if one.known == 4] == [(2, 1, 1)]


@pytest.mark.parametrize("cut", [True, False])
def test_what_never_began_in_a_cancelled_batch_is_skipped(session, packed, cut):
    packed.plan("a", "b", "c", "d")
    packed.next(0, (packed.next(0), {"result": 1}))
    for index in (0, 1):
        packed.end("search", index, TaskInstanceState.FAILED)
    row = run_rows.one(session, "crawl", "one")
    row = replace(row, state="failed", end=End(Reason.CANCELLED, "enough") if cut else None)
    never = "skipped" if cut else "failed"
    found = pages(session, row, step="search")
    assert [one.state for one in found] == ["succeeded", "failed", never, never]
    assert [one.error is None for one in found] == [True, False, cut, cut]
    assert keys(session, row, Wanted(state=never), step="search")[-2:] == ["c", "d"]
    search = progress.read(session, row, NOW).steps[0]
    assert (search.succeeded, search.failed, search.skipped) == ((1, 1, 2) if cut else (1, 3, 0))


def test_batches_are_counted_as_the_report_counts_them(session, packed):
    ref = RunRef(packed.run.id, "crawl", "one")

    def same():
        state = RunState.read(session, ref)
        for step in state.steps:
            for halted in (False, True):
                assert batch_progress.read(
                    session, ref, step, halted=halted, cut=False
                ).counts == batch_outcomes.counted(session, ref, step, halted=halted)

    packed.plan("a", "b", "c", "d")
    same()
    given = packed.next(0)
    for ended in ({"error": ERROR}, {"error": ERROR, "final": True}, {"result": 1}):
        given = packed.next(0, (given, ended))
        same()
    for state in (
        TaskInstanceState.FAILED,
        TaskInstanceState.SUCCESS,
        TaskInstanceState.SKIPPED,
        TaskInstanceState.UP_FOR_RETRY,
    ):
        packed.end("search", 0, state)
        same()
    packed.end("search", 0, TaskInstanceState.RUNNING, max_tries=9)  # it was cleared
    same()
    RunState.read(session, ref).closed("search").write(session, ref)
    same()
    found = batch_progress.read(session, ref, RunState.read(session, ref).steps[0], halted=False, cut=False)
    assert (found.counts.subtasks, found.counts.pending) == (4, 4), "two places have no subtask"
