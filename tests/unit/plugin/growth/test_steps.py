"""From step to step, as the API server sees it: real tables, the real backend, no process of Airflow's."""

import json

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskmap import TaskMap
from airflow.models.xcom import XComModel
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select

from airflow_mcp_provider.runtime import store_keys
from tests.unit.plugin.played import Played

SPEC = """
plan: {items: [1]}
steps:
  - {name: search, run: {shell: x}}
  - {name: write, run: {shell: x}, subtasks: {limit: 2}}
  - {name: review, run: {shell: x}, wait: all}
"""


class Staged(Played):
    """A run of three steps."""

    SPEC = SPEC
    TRIES = 2

    def __init__(self, session, job):
        super().__init__(session, job)
        for task_id in ("write.places", "review.places"):
            self.instance(task_id, -1, TaskInstanceState.SUCCESS)
        for task_id in ("write", "review"):
            self.instance(task_id, -1, TaskInstanceState.SKIPPED)

    def plan(self, *keys, **more):
        answer = self.planned(keys, **more)
        for index in range(answer.get("new", 0)):
            self.instance("search", index)
        self.mapped(answer.get("new", 0))
        return answer

    def done(self, task_id, map_index, result, attempt=1):
        return self.ask(task_id, map_index, store_keys.DONE, {"outcome": {"attempt": attempt, "result": result}})

    def item(self, task_id, map_index):
        found = self.get(task_id, map_index, store_keys.ITEM)
        return found and json.loads(found)

    def counts(self):
        return self.confirm()

    def length(self, task_id):
        return self.session.scalar(select(TaskMap.length).where(TaskMap.task_id == task_id))


@pytest.fixture
def run(session, job):
    return Staged(session, job)


def test_the_later_steps_are_mapped_over_lists_that_begin_empty(run):
    run.plan("a")
    assert (run.length("write.places"), run.length("review.places")) == (0, 0)
    read = select(XComModel.value).where(XComModel.task_id == "write.places", XComModel.key == "return_value")
    assert XComModel.deserialize_value(run.session.execute(read).one()) == [0]


def test_done_and_handed_on_is_one_thing(run):
    run.plan("a", "b")
    assert run.done("search", 1, {"found": 3})["new"] == 1
    assert json.loads(run.get("search", 1, store_keys.OUTCOME)) == {"attempt": 1, "result": {"found": 3}}
    assert run.item("write", 0) == {
        "key": "b",
        "payload": {"node": "b"},
        "parent": "b",
        "depth": 0,
        "results": {"search": {"found": 3}},
    }
    assert (run.length("write.places"), run.states("write")) == (1, {-1: None})  # the scheduler expands it again


def test_a_run_keeps_the_steps_that_it_was_planned_with(run):
    """The job was edited, and its runners think that a step follows."""
    run.begin["steps"] = run.begin["steps"][:1]
    run.plan("a")
    assert run.done("search", 0, "s")["new"] == 0
    assert json.loads(run.get("search", 0, store_keys.OUTCOME))["result"] == "s"


def test_results_add_up(run):
    run.plan("a")
    run.done("search", 0, "s")
    run.instance("write", 0)
    run.done("write", 0, "w")
    assert run.item("review", 0)["results"] == {"search": "s", "write": "w"}


def test_a_further_try_finds_it_done_and_changes_nothing(run):
    run.plan("a")
    run.done("search", 0, "first")
    assert run.item("search", 0)["done"] is True
    assert run.done("search", 0, "second", attempt=2)["new"] == 0
    run.set(
        "search", 0, store_keys.OUTCOME, {"attempt": 2, "error": {"type": "RunnerLost", "message": ""}, "final": True}
    )
    assert json.loads(run.get("search", 0, store_keys.OUTCOME)) == {"attempt": 1, "result": "first"}
    assert run.item("write", 0)["results"] == {"search": "first"}


def test_one_that_fails_at_last_after_it_was_handed_on_is_no_failure(run):
    run.plan("a")
    run.done("search", 0, "first")
    _end(run, "search", 0, TaskInstanceState.FAILED)
    run.instance("write", 0, TaskInstanceState.SUCCESS)
    assert run.outcomes()["a", "search"]["status"] == "success"
    counted = run.counts()
    assert (counted["failed"], counted["pending"], counted["succeeded"]) == (0, 0, 1)


def test_one_that_was_cleared_is_done_again_and_counts_as_it_ends(run):
    run.plan("a")
    run.done("search", 0, "first")
    run.instance("write", 0, TaskInstanceState.SCHEDULED)
    _end(run, "search", 0, TaskInstanceState.RUNNING).max_tries = 3  # as Airflow has it of a cleared one
    run.session.flush()
    assert "done" not in run.item("search", 0)
    assert run.done("search", 0, "second")["new"] == 0
    assert run.item("write", 0)["results"] == {"search": "second"}
    assert run.states("write")[0] == TaskInstanceState.SCHEDULED
    one = _end(run, "search", 0, TaskInstanceState.FAILED)
    one.max_tries = 4
    run.session.flush()
    assert run.counts()["failed"] == 1


def test_a_full_step_refuses_and_keeps_no_outcome(run):
    run.plan("a", "b", "c")
    assert [run.done("search", index, None).get("new") for index in (0, 1)] == [1, 1]
    refused = run.done("search", 2, None)["refused"]
    assert refused == {"type": "LimitReached", "message": "the step write would have 3 subtasks; subtasks.limit is 2"}
    assert run.get("search", 2, store_keys.OUTCOME) is None


def test_a_key_is_known_in_all_steps(run):
    run.plan("a", "b")
    run.done("search", 0, None)
    run.instance("write", 0)
    run.instance("write", 1, TaskInstanceState.REMOVED)
    children = {"parent": "a", "depth": 1, "children": [["b", {"node": "b"}], ["c", {"node": "c"}]]}
    assert run.ask("write", 0, store_keys.ENQUEUE, children)["new"] == 1
    assert (run.item("write", 1)["key"], run.states("write")[1]) == ("c", None)
    assert run.done("search", 1, None)["refused"]["type"] == "LimitReached"  # a and c
    assert run.counts()["reserved"] == 3


def test_a_field_that_a_result_would_hide(run):
    assert run.plan("a", write=1)["refused"]["type"] == "InvalidPayload"
    assert run.plan("a", review=1)["new"] == 1  # nothing comes after it


def test_a_step_that_waits_is_told_to_while_those_before_it_are_not_over(run):
    run.plan("a", "b")
    run.done("search", 0, None)
    _end(run, "search", 0, TaskInstanceState.SUCCESS)
    run.instance("write", 0)
    run.done("write", 0, None)
    run.instance("review", 0)
    assert run.item("review", 0)["waits"].startswith("2 subtasks")  # b in search, a in write
    _end(run, "search", 1, TaskInstanceState.FAILED)
    _end(run, "write", 0, TaskInstanceState.SUCCESS)
    assert "waits" not in run.item("review", 0)


def test_each_subtask_counts_once(run):
    run.plan("a", "b")
    run.done("search", 0, None)
    assert (run.counts()["reserved"], run.counts()["pending"]) == (2, 0)  # plan has not ended
    _end(run, "plan", -1, TaskInstanceState.SUCCESS)
    assert run.counts()["pending"] == 3
    _end(run, "search", 0, TaskInstanceState.SUCCESS)
    _end(run, "search", 1, TaskInstanceState.FAILED)
    run.instance("write", 0, TaskInstanceState.FAILED)
    counted = run.counts()
    names = ("reserved", "succeeded", "failed", "skipped", "pending")
    assert [counted[name] for name in names] == [2, 0, 2, 0, 0]
    assert [(one["key"], one["step"]) for one in run.tally(2)["failures"]] == [("b", "search"), ("a", "write")]
    assert counted["steps"]["write"] == {"subtasks": 1, "succeeded": 0, "failed": 1, "skipped": 0, "pending": 0}


def test_planned_again_the_later_steps_begin_empty_again(run):
    run.plan("a")
    run.done("search", 0, None)
    run.instance("write", 0, None)
    run.ask("plan", -1, store_keys.ENQUEUE, {"begin": run.begin, "parent": None, "depth": 0, "children": []})
    assert run.length("write.places") == 0
    assert run.states("write")[0] == TaskInstanceState.REMOVED
    assert run.item("write", 0) is None


def _end(run, task_id, map_index, state):
    query = select(TaskInstance).filter_by(run_id="one", task_id=task_id, map_index=map_index)
    one = run.session.scalars(query).unique().one()
    one.state = state
    run.session.flush()
    return one


def test_a_next_step_that_works_on_the_old_result_is_tried_again_with_the_new_one(session, job):
    run = Staged(session, job)
    run.plan("a")
    run.done("search", 0, "old")
    write = run.instance("write", 0, TaskInstanceState.RUNNING)
    search = session.query(TaskInstance).filter_by(task_id="search", map_index=0).one()
    search.max_tries, search.try_number = search.max_tries + 1, search.try_number + 1  # cleared
    session.flush()
    run.done("search", 0, "new", attempt=2)
    assert write.state == TaskInstanceState.RESTARTING, "Airflow ends its runner"
    late = run.ask("write", 0, store_keys.DONE, {"outcome": {"attempt": 1, "result": "of the old one"}})
    assert late["refused"]["type"] == "RunIsOver"
    assert run.item("write", 0)["results"] == {"search": "new"}
