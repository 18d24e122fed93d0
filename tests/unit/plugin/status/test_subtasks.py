"""Subtasks and the progress of a run, without further steps and batches."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.utils.state import TaskInstanceState
from sqlalchemy import event, insert, select, text

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.plugin.db import state_store
from airflow_mcp_provider.plugin.status import (
    progress,
    run_documents,
    run_rows,
    subtask_documents,
    subtask_rows,
)
from airflow_mcp_provider.plugin.status.subtask_rows import Wanted
from airflow_mcp_provider.runtime import store_keys
from tests.unit.plugin.growth.test_batch_dispatch import ERROR
from tests.unit.plugin.played import Played
from tests.unit.plugin.status.paging import keys, pages

NOW = datetime.now(UTC)


class Plain(Played):
    SPEC = "plan: {items: [1]}\nrun: {shell: x}\nretries: {attempts: 3}"
    TRIES = 2

    def grow(self, *keys, parent=None):
        if parent is None:
            self.planned(keys)
        else:
            self.ask("run", parent, store_keys.ENQUEUE, {"children": [[key, {"node": key}] for key in keys]})
        for index in range(self.there(), self.there() + len(keys)):
            self.instance("run", index, None)

    def there(self):
        return len(self.states("run"))

    def set_state(self, index, state, *, task_id="run", **more):
        query = select(TaskInstance).where(TaskInstance.task_id == task_id, TaskInstance.map_index == index)
        one = self.session.scalars(query).one()
        one.state = state
        for name, value in more.items():
            setattr(one, name, value)
        self.session.flush()
        return one

    def outcome(self, index, **more):
        """Store what a runner says just before its task instance ends."""
        query = select(TaskInstance.state).where(TaskInstance.task_id == "run", TaskInstance.map_index == index)
        ended = self.session.scalar(query)
        self.set_state(index, TaskInstanceState.RUNNING)
        self.set("run", index, store_keys.OUTCOME, {"attempt": 1} | more)
        self.set_state(index, ended)


@pytest.fixture
def run(session, job):
    made = Plain(session, job)
    made.run.start_date = NOW - timedelta(minutes=1)
    session.flush()
    return made


@pytest.fixture
def row(session, run):
    return run_rows.one(session, "crawl", "one")


def worked(run):
    """Subtasks in each state."""
    run.grow("a", "b", "c", "d", "e")
    run.set_state(0, TaskInstanceState.RUNNING, start_date=NOW - timedelta(seconds=50))
    run.grow("a1", "a2", parent=0)
    begun = {"start_date": NOW - timedelta(seconds=40), "end_date": NOW - timedelta(seconds=20)}
    run.outcome(1, result={"n": 1})
    run.set_state(1, TaskInstanceState.SUCCESS, **begun)
    run.outcome(2, error=ERROR)
    run.set_state(2, TaskInstanceState.FAILED, **begun)
    run.set_state(3, TaskInstanceState.SKIPPED)
    run.set_state(5, TaskInstanceState.RUNNING, start_date=NOW - timedelta(seconds=5))
    run.set("run", 5, store_keys.PROGRESS, {"fraction": 0.5, "message": "half"})


def test_pages_and_filters(session, run, row):
    worked(run)
    assert keys(session, row) == ["a", "b", "c", "d", "e", "a1", "a2"]
    by_state = {
        state: keys(session, row, Wanted(state=state))
        for state in ("running", "succeeded", "failed", "skipped", "waiting")
    }
    assert by_state == {
        "running": ["a", "a1"],
        "succeeded": ["b"],
        "failed": ["c"],
        "skipped": ["d"],
        "waiting": ["e", "a2"],
    }
    assert keys(session, row, Wanted(parent="a")) == ["a1", "a2"]
    assert keys(session, row, Wanted(text="A2")) == ["a2"]
    assert keys(session, row, Wanted(state="running", parent="a")) == ["a1"]
    assert keys(session, row, step="none") == []
    assert keys(session, row, step="run", limit=100) == keys(session, row)
    with pytest.raises(InvalidPayload, match="invalid cursor 'x'"):
        subtask_documents.page(session, row, Wanted(), None, "x", 10)


def test_a_page_of_few_finds_ends_early_and_has_a_cursor(session, run, row, monkeypatch):
    monkeypatch.setattr(subtask_rows, "AT_ONCE", 1)
    monkeypatch.setattr(subtask_documents, "MOST_READS", 2)
    worked(run)
    page = subtask_documents.page(session, row, Wanted(parent="none"), None, None, 10)
    assert (page.subtasks, page.next) == ([], None), "the database leaves them out"
    page = subtask_documents.page(session, row, Wanted(), None, None, 2)
    assert ([one.key for one in page.subtasks], page.next) == (["a", "b"], "0.2")
    assert keys(session, row, limit=10) == ["a", "b", "c", "d", "e", "a1", "a2"]


def test_a_subtask(session, run, row):
    worked(run)
    half = subtask_documents.one(session, row, "a1", None)
    assert (half.state, half.parent, half.depth, half.attempt, half.fraction, half.message) == (
        "running",
        "a",
        1,
        1,
        0.5,
        "half",
    )
    done = subtask_documents.one(session, row, "b", "run")
    assert (done.result, done.payload, done.error, len(done.attempts)) == ({"n": 1}, {"node": "b"}, None, 1)
    failed = subtask_documents.one(session, row, "c", None)
    assert (failed.error.code, failed.error.text, failed.result) == ("OSError", "it failed", None)
    waits = subtask_documents.one(session, row, "e", None)
    assert (waits.state, waits.attempt, waits.attempts, waits.started) == ("waiting", 0, [], None)
    assert subtask_documents.one(session, row, "none", None) is None
    assert subtask_documents.one(session, row, "a", "none") is None


def test_each_attempt_has_its_reason(session, run, row):
    run.grow("a")
    names = {"task_id": "run", "dag_id": "crawl", "run_id": "one", "map_index": 0, "pool": "p"}
    for number, state, reason in (
        (1, "failed", None),
        (2, "failed", "OSError is retried"),
        (3, "failed", None),
        (4, "up_for_retry", None),
    ):
        more = {"task_instance_id": uuid4(), "try_number": number, "state": state, "retry_reason": reason}
        session.execute(insert(TaskInstanceHistory).values(**more, **names, start_date=NOW, span_status="x"))
    run.set_state(0, TaskInstanceState.FAILED, try_number=5, start_date=NOW, end_date=NOW)
    run.set("run", 0, store_keys.OOMS, [3])
    run.outcome(0, attempt=5, error=ERROR)
    pod = {"attempt": 4, "name": "p", "reason": "Evicted", "message": "disk"}
    state_store.put(session, [(row.ref, "run", 0, store_keys.POD, pod)])
    found = subtask_documents.one(session, row, "a", None).attempts
    assert [(one.number, one.error.code) for one in found] == [
        (1, "unknown"),
        (2, "failed"),
        (3, "OutOfMemory"),
        (4, "Evicted"),
        (5, "OSError"),
    ]


def test_a_runner_that_was_lost(session, run, row):
    run.grow("a")
    run.set_state(0, TaskInstanceState.FAILED, start_date=NOW, end_date=NOW)
    assert subtask_documents.one(session, row, "a", None).error.code == "RunnerLost"


def test_progress_counts_each_once(session, run, row):
    assert progress.read(session, row, NOW) == progress.NOTHING
    worked(run)
    found = progress.read(session, row, NOW)
    assert (found.known, found.done, found.failed, found.skipped, found.running) == (7, 1, 1, 1, 2)
    assert (found.fraction, found.message) == (None, "half"), "plan is still running"
    (step,) = found.steps
    assert step.model_dump() == {
        "step": "run",
        "known": 7,
        "waiting": 2,
        "running": 2,
        "succeeded": 1,
        "failed": 1,
        "skipped": 1,
    }
    run.set_state(-1, TaskInstanceState.SUCCESS, task_id="plan")
    found = progress.read(session, row, NOW)
    assert (found.fraction, found.rate) == (round(3 / 7, 4), 0.1), "3 ended in the 30 s from 50 s ago to 20 s ago"
    assert abs((found.eta - NOW).total_seconds() - 20) <= 1
    later = progress.read(session, row, NOW + timedelta(hours=1))
    assert (later.rate, later.eta) == (0.1, None), "a time in the past is not expected any more"


def test_a_damaged_row_of_the_run_is_no_error_of_the_document(session, run, row):
    run.grow("a")
    run.session.execute(text("UPDATE task_state_store SET value='[]' WHERE key='mcp.run'"))
    assert run_documents.document(session, "crawl", "one").progress == progress.NOTHING
    assert pages(session, row) == []
    assert subtask_documents.one(session, row, "a", None) is None


def test_the_number_of_queries_does_not_grow(session, run, tables):
    run.grow("a")
    run.set_state(0, TaskInstanceState.RUNNING, start_date=NOW)

    def queries():
        seen = []
        note = lambda *arguments: seen.append(arguments[2])  # noqa: E731
        event.listen(tables, "before_cursor_execute", note)
        run_documents.document(session, "crawl", "one")
        event.remove(tables, "before_cursor_execute", note)
        return len(seen)

    before = queries()
    run.grow(*map(str, range(50)))
    assert queries() == before <= 8
