"""The tree of subtasks: roots, children and their number, read level by level."""

import json
from uuid import uuid4

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import TaskInstanceState
from sqlalchemy import event, func, select, text

from airflow_mcp_provider.plugin.status import run_rows, subtask_children, subtask_documents, subtask_rows
from airflow_mcp_provider.plugin.status.subtask_rows import Wanted
from airflow_mcp_provider.runtime import store_keys
from tests.unit.plugin.growth.test_batch_dispatch import Packed
from tests.unit.plugin.growth.test_steps import Staged
from tests.unit.plugin.status.paging import keys, pages
from tests.unit.plugin.status.test_subtasks import Plain

ODD = 'a"b\\%_é\n🙂 "parent": "a"'
UNKNOWN = Wanted(parent="none")


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    monkeypatch.setattr(subtask_children, "_kept", subtask_children.Kept())


@pytest.fixture
def run(session, job):
    return Plain(session, job)


@pytest.fixture
def row(session, run):
    return run_rows.one(session, "crawl", "one")


@pytest.fixture
def counted(tables):
    """The statements that look at items for their parents."""
    seen = []
    note = lambda *arguments: seen.append(arguments[2])  # noqa: E731
    event.listen(tables, "before_cursor_execute", note)
    yield lambda: [one for one in seen if "count(*)" in one and "json_valid" in one]
    event.remove(tables, "before_cursor_execute", note)


def children(session, row, parent=""):
    return {one.key: one.children for one in pages(session, row, Wanted(parent=parent))}


def test_roots_and_children(session, run, row):
    run.grow("a", "b", ODD)
    run.set_state(0, TaskInstanceState.RUNNING)
    run.set_state(2, TaskInstanceState.RUNNING)
    run.grow("a1", "a2", parent=0)
    run.grow("o1", parent=2)
    run.set_state(3, TaskInstanceState.RUNNING)
    run.grow("a1x", parent=3)
    assert children(session, row) == {"a": 2, "b": 0, ODD: 1}
    assert children(session, row, "a") == {"a1": 1, "a2": 0}
    assert children(session, row, ODD) == {"o1": 0}
    assert keys(session, row, Wanted(parent="a1")) == ["a1x"]
    assert keys(session, row, UNKNOWN) == []
    assert keys(session, row, Wanted(parent="", state="running")) == ["a", ODD]
    assert {one.children for one in pages(session, row)} == {None}, "a list without a parent"
    assert subtask_documents.one(session, row, "a", None).children == 2


def test_a_payload_that_looks_like_a_parent_is_none(session, run, row):
    children_of = [["b", {"parent": "a", "depth": 1}], ["c", {"text": '"parent": "a"', "parent": None}]]
    run.grow("a")
    run.set_state(0, TaskInstanceState.RUNNING)
    run.ask("run", 0, store_keys.ENQUEUE, {"children": [["d", {"parent": None}]]})
    body = {"begin": run.begin, "parent": None, "depth": 0, "children": children_of}
    run.ask("plan", -1, store_keys.ENQUEUE, body | {"begin": None})
    assert children(session, row) == {"a": 1, "b": 0, "c": 0}
    assert keys(session, row, Wanted(parent="a")) == ["d"]


def test_only_new_places_are_counted(session, run, row, counted):
    run.grow("a", "b")
    assert children(session, row) == {"a": 0, "b": 0}
    assert len(counted()) == 1
    assert children(session, row) == {"a": 0, "b": 0}
    assert len(counted()) == 1, "nothing is new"
    run.set_state(0, TaskInstanceState.RUNNING)
    run.grow("a1", parent=0)
    # What is counted already is not looked at again.
    item = {"key": "b", "payload": {}, "parent": "a", "depth": 1}
    session.execute(
        text("UPDATE task_state_store SET value=:value WHERE key='mcp.item' AND map_index=1"),
        {"value": json.dumps(item)},
    )
    assert children(session, row)["a"] == 1
    assert len(counted()) == 2


def test_another_attempt_of_plan_begins_anew(session, run, row):
    run.grow("a", "b")
    run.set_state(0, TaskInstanceState.RUNNING)
    run.grow("a1", parent=0)
    assert children(session, row) == {"a": 1, "b": 0}
    plan = session.scalars(select(TaskInstance).where(TaskInstance.task_id == "plan")).one()
    plan.id = uuid4()  # as Airflow does before each attempt
    session.flush()
    run.planned(["a", "b", "c"])
    assert children(session, row) == {"a": 0, "b": 0, "c": 0}


def test_the_oldest_count_is_forgotten(session, run, row, counted, monkeypatch):
    monkeypatch.setattr(subtask_children, "MOST_RUNS", 1)
    run.grow("a")
    children(session, row)
    subtask_children._kept.put(-1, subtask_children.Counted(None, {}, {}))
    children(session, row)
    assert len(counted()) == 2


def test_a_damaged_row_is_no_error(session, run, row):
    run.grow("a", "b")
    run.set_state(0, TaskInstanceState.RUNNING)
    run.grow("a1", "a2", parent=0)
    session.execute(text("UPDATE task_state_store SET value='{\"key\": ' WHERE key='mcp.item' AND map_index=3"))
    assert children(session, row) == {"a": 1, "b": 0}


def test_without_counts_the_subtasks_are_there(session, run, row, monkeypatch):
    run.grow("a")
    monkeypatch.setattr(subtask_children, "_parent", lambda _: func.no_such_function())
    assert children(session, row) == {"a": None}
    assert keys(session, row) == ["a"], "the transaction goes on"


def test_a_filter_looks_at_a_part_of_a_large_run(session, run, row, monkeypatch):
    monkeypatch.setattr(subtask_rows, "LOOKED_AT", 2)
    monkeypatch.setattr(subtask_documents, "MOST_READS", 2)
    run.grow(*"abcdefg")
    page = subtask_documents.page(session, row, Wanted(text="G"), None, None, 10)
    assert (page.subtasks, page.next) == ([], "0.4")
    page = subtask_documents.page(session, row, Wanted(text="G"), None, page.next, 10)
    assert ([one.key for one in page.subtasks], page.next) == (["g"], None)
    assert keys(session, row, Wanted(text="C")) == ["c"]
    page = subtask_documents.page(session, row, Wanted(), None, None, 10)
    assert (len(page.subtasks), page.next) == (7, None), "without a filter each row is one of the page"


def test_the_page_of_airflow(session, run, row):
    run.planned(["a", "b"])
    run.instance("run", 0, None)
    found = pages(session, row)
    assert [one.ui for one in found] == ["/dags/crawl/runs/one/tasks/run/mapped/0", None]


def test_a_subtask_in_a_later_step_is_below_itself(session, job):
    staged = Staged(session, job)
    row = run_rows.one(session, "crawl", "one")
    staged.plan("a", "b")
    staged.ask("search", 0, store_keys.ENQUEUE, {"children": [["a1", {}]]})
    staged.done("search", 0, "found a")
    assert children(session, row) == {"a": 2, "b": 0}
    assert [(one.key, one.step) for one in pages(session, row, Wanted(parent="a"))] == [
        ("a1", "search"),
        ("a", "write"),
    ]


def test_the_subtasks_of_a_batch_share_a_page_of_airflow(session, job):
    packed = Packed(session, job)
    packed.plan("a", "b", "c", "d")
    row = run_rows.one(session, "crawl", "one")
    found = pages(session, row, Wanted(parent=""), step="search")
    assert [(one.key, one.children, one.map_index) for one in found] == [
        ("a", 0, 0),
        ("b", 0, 0),
        ("c", 0, 0),
        ("d", 0, 1),
    ]
    assert {one.ui for one in found[:3]} == {"/dags/crawl/runs/one/tasks/search/mapped/0"}
