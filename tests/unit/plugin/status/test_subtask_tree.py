"""The tree of subtasks: roots, children and their number, read level by level."""

from uuid import uuid4

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import TaskInstanceState
from sqlalchemy import event, select, text

from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.plugin.status import run_rows, subtask_children, subtask_documents, subtask_rows
from airflow_mcp_provider.plugin.status.subtask_children import Children, Span
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
    """The places from which items are read for their parents."""
    seen = []

    def note(_connection, _cursor, statement, parameters, *_):
        if "task_state_store.map_index >= ?" in statement and "task_state_store.map_index < ?" not in statement:
            seen.append(parameters[3])

    event.listen(tables, "before_cursor_execute", note)
    yield seen
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
    assert counted == [0]
    assert children(session, row) == {"a": 0, "b": 0}
    assert counted == [0], "nothing is new"
    run.set_state(0, TaskInstanceState.RUNNING)
    run.grow("a1", parent=0)
    assert children(session, row)["a"] == 1
    assert counted == [0, 2]


def test_more_places_than_one_query_reads(session, run, row, counted, monkeypatch):
    monkeypatch.setattr(subtask_children, "AT_ONCE", 2)
    run.grow("a", "b")
    run.set_state(0, TaskInstanceState.RUNNING)
    run.grow("a1", "a2", "a3", parent=0)
    assert children(session, row) == {"a": 3, "b": 0}
    assert counted == [0, 2, 4]


@pytest.mark.parametrize("look", [True, False], ids=["before the first subtask", "later"])
def test_another_attempt_of_plan_begins_anew(session, run, row, look):
    run.grow("a", "b")
    run.set_state(0, TaskInstanceState.RUNNING)
    run.grow("a1", parent=0)
    assert children(session, row) == {"a": 1, "b": 0}
    plan = session.scalars(select(TaskInstance).where(TaskInstance.task_id == "plan")).one()
    plan.id = uuid4()  # as Airflow does before each attempt
    session.flush()
    assert children(session, row) == {"a": 1, "b": 0}, "the new attempt has not begun"
    run.planned([])
    if look:
        assert children(session, row) == {}
    # As many as before, so that only the rows tell.
    run.ask(
        "plan",
        -1,
        store_keys.ENQUEUE,
        {"begin": None, "parent": None, "depth": 0, "children": [[one, {}] for one in "cba"]},
    )
    assert children(session, row) == {"c": 0, "b": 0, "a": 0}


def test_a_look_while_another_attempt_of_plan_begins(session, run, row, monkeypatch):
    """The state of the run is that of the old attempt, the items are those of the new one."""
    run.grow("a", "b")
    old = RunState.read(session, row.ref)
    run.planned(["c"])
    subtask_children.read(session, row.ref, old)
    run.ask("plan", -1, store_keys.ENQUEUE, {"begin": None, "parent": None, "depth": 0, "children": [["d", {}]]})
    assert children(session, row) == {"c": 0, "d": 0}


@pytest.mark.parametrize(("most", "value"), [("MOST_RUNS", 1), ("MOST_PARENTS", 1)])
def test_the_oldest_counts_are_forgotten(session, run, row, counted, monkeypatch, most, value):
    monkeypatch.setattr(subtask_children, most, value)
    run.grow("a")
    children(session, row)
    subtask_children._kept.put(-1, Children(steps={"run": {"": Span(1, 0, 0)}}))
    assert subtask_children._kept.get(-1).parents == 1, "the latest one is kept"
    children(session, row)
    assert counted == [0, 0]


def test_only_places_with_children_are_looked_at(session, run, row):
    run.grow("a", "b")
    run.set_state(0, TaskInstanceState.RUNNING)
    run.grow("a1", "a2", parent=0)
    run.set_state(1, TaskInstanceState.RUNNING)
    run.grow("b1", parent=1)
    found = subtask_children.read(session, row.ref, RunState.read(session, row.ref))
    assert [found.places("run", parent) for parent in ("", "a", "b", "b1")] == [
        range(2),
        range(2, 4),
        range(4, 5),
        range(0),
    ]
    assert found.places("none", "") == range(0)


def test_a_damaged_row_affects_no_other_subtask(session, run, row):
    run.grow("a", "b")
    run.set_state(0, TaskInstanceState.RUNNING)
    run.grow("a1", "a2", parent=0)
    session.execute(text("UPDATE task_state_store SET value='{\"key\": ' WHERE key='mcp.item' AND map_index=3"))
    assert children(session, row)["a"] == 1


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
