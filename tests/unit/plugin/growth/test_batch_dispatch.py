"""A runner of a batch and its questions, as the API server sees them: real tables, the real backend."""

import json

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import TaskInstanceState
from fastapi import HTTPException
from sqlalchemy import select

from airflow_mcp_provider.runtime import store_keys
from tests.unit.plugin.played import Played

SPEC = """
plan: {items: [1]}
steps:
  - {name: search, run: {shell: x}}
  - {name: write, run: {shell: x}, subtasks: {batch: 2, limit: 3}}
subtasks: {batch: 3, limit: 7, tolerate: 1}
"""
TRIES = {"attempts": 2, "delay": 0.0, "backoff": 1.0, "max_delay": 0.0}
ERROR = {"type": "OSError", "message": "it failed", "trace": ""}


class Packed(Played):
    """A run whose first step packs three, its second two; ``next`` is what a runner would ask."""

    SPEC = SPEC
    TRIES = 5

    def __init__(self, session, job):
        super().__init__(session, job)
        self.instance("write", -1, TaskInstanceState.SKIPPED)

    def plan(self, *keys):
        answer = self.planned(keys)
        for index in range(5):  # those that growth brings back, as if an earlier plan had found more
            there = index < answer["instances"]
            self.instance("search", index, TaskInstanceState.RUNNING if there else TaskInstanceState.REMOVED)
        self.mapped(answer["instances"])
        self.end("plan", -1, TaskInstanceState.SUCCESS)
        return answer

    def enqueue(self, index, *keys):
        children = [[key, {"node": key}] for key in keys]
        return self.ask("search", index, store_keys.ENQUEUE, {"children": children})

    def next(self, index, ended=None, *, task_id="search", **more):
        """Ask; ``ended`` is the answer before, and what the subtask ended with."""
        told = ended and {"place": ended[0]["place"], "attempt": ended[0]["attempt"], **ended[1]}
        return self.ask(task_id, index, store_keys.NEXT, {"tries": TRIES, "ended": told, "fresh": False, **more})

    def answer(self, task_id, map_index):
        return json.loads(self.get(task_id, map_index, store_keys.ANSWER))

    def end(self, task_id, map_index, state, max_tries=None):
        query = select(TaskInstance).where(TaskInstance.task_id == task_id, TaskInstance.map_index == map_index)
        one = self.session.scalars(query).one()
        one.state, one.max_tries = state, max_tries or one.max_tries
        self.session.flush()
        return one

    def counts(self):
        told = self.confirm()
        return [told[name] for name in ("reserved", "succeeded", "failed", "skipped", "pending")]


@pytest.fixture
def run(session, job):
    return Packed(session, job)


def key(answer):
    return answer["item"]["key"]


def test_a_runner_is_given_its_own_subtasks_one_after_the_other(run):
    assert run.plan("a", "b", "c", "d")["instances"] == 2
    given, keys = run.next(0), []
    while "item" in given:
        keys.append(key(given))
        given = run.next(0, (given, {"result": None}))
    assert (keys, given["next"], given["size"], given["label"]) == (["a", "b", "c"], "over", 3, "a +2")
    assert key(run.next(1)) == "d"


def test_the_same_question_again_takes_no_further_subtask(run):
    run.plan("a", "b")
    body = {"tries": TRIES, "ended": None, "fresh": False, "call": "same"}
    for _ in range(2):
        run.set("search", 0, store_keys.NEXT, body)
        assert key(run.answer("search", 0)) == "a"


def test_what_was_said_of_an_attempt_that_is_over_is_not_heard(run):
    run.plan("a")
    first = run.next(0)
    again = run.next(0)  # a new runner: the one before is lost
    assert (again["place"], again["attempt"], again["tried"]) == (0, 2, 2)
    late = run.next(0, (first, {"result": "too late"}))
    assert late["refused"]["type"] == "TryAgain"
    last = run.next(0)
    assert (last["next"], last["failed"]) == ("over", 1)  # its second try was lost, too
    assert run.outcomes()["a", "search"]["error"]["type"] == "RunnerLost"


def test_a_lost_runner_costs_the_subtask_in_hand_an_attempt_and_no_other(run):
    run.plan("a", "b")
    run.next(0, (run.next(0), {"result": 1}))  # b is in hand
    assert key(run.next(0)) == "b"
    assert run.next(0)["next"] == "over"
    told = {name: (one["status"], one["attempts"]) for (name, step), one in run.outcomes().items() if step == "search"}
    assert told == {"a": ("success", 1), "b": ("failed", 2)}


def test_a_final_failure_is_not_tried_again_and_its_neighbours_are_done(run):
    run.plan("a", "b")
    given = run.next(0, (run.next(0), {"error": ERROR, "final": True}))
    assert key(given) == "b"
    over = run.next(0, (given, {"result": 2}))
    assert (over["failed"], over["size"], over["first"]) == (1, 2, "a: OSError: it failed")
    run.end("search", 0, TaskInstanceState.FAILED)
    run.instance("write", 0, TaskInstanceState.SUCCESS)
    assert run.counts() == [2, 1, 1, 0, 0]


def test_a_free_place_is_given_until_the_runner_has_ended(run):
    run.plan("a")
    first = run.next(0)
    assert run.enqueue(0, "b")["instances"] == 1
    given = run.next(0, (first, {"result": 1}))
    assert key(given) == "b"
    assert run.next(0, (given, {"result": 1}))["next"] == "over"
    run.end("plan", -1, TaskInstanceState.RUNNING)
    late = run.ask("plan", -1, store_keys.ENQUEUE, {"children": [["c", {"node": "c"}]]})
    run.counts()  # makes the task instance
    assert late["instances"] == 2  # the third place of the first runner stays empty
    assert [run.states("search")[index] for index in (0, 1)] == [TaskInstanceState.RUNNING, None]
    run.end("search", 1, TaskInstanceState.RUNNING)
    assert key(run.next(1)) == "c"
    assert run.counts()[0] == 3


def test_a_runner_that_ended_without_asking_leaves_no_place_free(run):
    run.plan("a", "b", "c", "d")
    run.end("search", 1, TaskInstanceState.FAILED)
    run.next(0)
    assert run.enqueue(0, "e")["instances"] == 3
    run.end("search", 2, TaskInstanceState.RUNNING)
    assert key(run.next(2)) == "e"


def test_empty_places_do_not_count_in_the_limit(run):
    run.plan("a", "b", "c", "d")
    run.end("search", 1, TaskInstanceState.FAILED)
    run.next(0)
    assert run.enqueue(0, "e", "f", "g")["new"] == 3
    assert run.enqueue(0, "h")["refused"]["message"].endswith("would have 8 subtasks; subtasks.limit is 7")


def test_more_failures_than_are_borne_stop_it_in_the_middle(run):
    run.plan("a", "b", "c")
    given = run.next(0, (run.next(0), {"error": ERROR, "final": True}))
    stopped = run.next(0, (given, {"error": ERROR, "final": True}))
    assert "2 of 3 known subtasks failed" in stopped["reason"]
    run.end("search", 0, TaskInstanceState.SKIPPED)
    assert run.counts() == [3, 0, 2, 1, 0]


def test_an_instance_that_failed_without_a_word_has_failed_all_that_was_not_done(run):
    run.plan("a", "b", "c")
    run.next(0, (run.next(0), {"result": 1}))
    run.end("search", 0, TaskInstanceState.FAILED)
    run.instance("write", 0, TaskInstanceState.SUCCESS)
    told = {name: (one["status"], one["attempts"]) for (name, step), one in run.outcomes().items() if step == "search"}
    assert told == {"a": ("success", 1), "b": ("failed", 1), "c": ("failed", 0)}
    assert run.counts() == [3, 1, 2, 0, 0]


def test_handed_on_and_done_again_in_the_next_batch(run):
    """``a`` is cleared with its batch; of the batch of the next step its place alone is repeated."""
    run.plan("a", "b")
    given = run.next(0, (run.next(0), {"result": "s"}))
    assert run.next(0, (given, {"result": "s"}))["new"] == 1
    run.end("search", 0, TaskInstanceState.SUCCESS)
    run.instance("write", 0)
    given = run.next(0, task_id="write")
    assert given["item"]["results"] == {"search": "s"}
    given = run.next(0, (given, {"result": "w"}), task_id="write")
    assert run.next(0, (given, {"result": "w"}), task_id="write")["next"] == "over"
    run.end("write", 0, TaskInstanceState.SUCCESS)
    run.end("search", 0, TaskInstanceState.RUNNING, max_tries=6)
    run.next(0, (run.next(0), {"result": "new"}))
    assert run.states("write")[0] is None  # given back to Airflow
    run.end("write", 0, TaskInstanceState.RUNNING, max_tries=6)
    given = run.next(0, task_id="write")
    assert (key(given), given["item"]["results"], given["attempt"]) == ("a", {"search": "new"}, 2)
    assert run.next(0, (given, {"result": "w"}), task_id="write")["next"] == "over"


def test_the_parent_is_the_subtask_in_hand(run):
    run.plan("a", "b")
    assert run.enqueue(0, "early")["refused"]["type"] == "TryAgain"
    given = run.next(0, (run.next(0), {"result": 1}))
    assert run.enqueue(0, "late")["new"] == 1
    item = run.next(0, (given, {"result": 1}))["item"]
    assert (item["key"], item["parent"], item["depth"]) == ("late", "b", 1)


def test_a_full_step_refuses_and_the_runner_says_so(run):
    run.plan("a", "b", "c", "d")
    given = run.next(0)
    for _ in range(2):
        given = run.next(0, (given, {"result": 1}))
    run.next(0, (given, {"result": 1}))
    last = run.next(1)
    refused = run.next(1, (last, {"result": 1}))["refused"]
    assert refused["type"] == "LimitReached"
    assert run.next(1, (last, {"error": ERROR, "final": True}))["failed"] == 1


class Alone(Packed):
    """A job of one step, three in a runner."""

    SPEC = """
plan: {items: [1]}
run: {shell: x}
subtasks: {batch: 3, tolerate: 1}
"""

    def __init__(self, session, job):
        Played.__init__(self, session, job)

    def plan(self, *keys):
        answer = self.planned(keys)
        for index in range(answer["instances"]):
            self.instance("run", index)
        self.mapped(answer["instances"])
        self.end("plan", -1, TaskInstanceState.SUCCESS)

    def next(self, index, ended=None):
        return super().next(index, ended, task_id="run")

    def go_on(self, given, following, result=None, index=0):
        ended = {"place": given["place"], "attempt": given["attempt"], "result": result}
        begin = {name: following[name] for name in ("place", "attempt")}
        self.set("run", index, store_keys.GO_ON, {"call": "some", "ended": ended, "begin": begin})

    def refused(self, *asked):
        before = self.get("run", 0, store_keys.BATCH)
        with pytest.raises(HTTPException) as refusal:
            self.go_on(*asked)
        return refusal.value.status_code == 409 and self.get("run", 0, store_keys.BATCH) == before


@pytest.fixture
def alone(session, job):
    return Alone(session, job)


def test_a_runner_goes_on_with_what_it_was_told_of_and_asks_again_at_the_end(alone):
    alone.plan("a", "b", "c")
    first = alone.next(0)
    second, third = first["ahead"]
    assert [key(one) for one in (first, second, third)] == ["a", "b", "c"]
    alone.go_on(first, second, {"found": 1})
    alone.go_on(second, third, {"found": 2})
    assert alone.counts() == [3, 2, 0, 0, 1]
    last = alone.next(0, (third, {"result": {"found": 3}}))
    assert (last["next"], last["size"], last["failed"]) == ("over", 3, 0)
    alone.end("run", 0, TaskInstanceState.SUCCESS)
    assert [one["result"]["found"] for one in alone.outcomes().values()] == [1, 2, 3]
    assert [one["attempts"] for one in alone.outcomes().values()] == [1, 1, 1]


def test_a_request_that_is_repeated_counts_once(alone):
    alone.plan("a", "b", "c")
    first = alone.next(0)
    second, third = first["ahead"]
    alone.go_on(first, second, "first")
    alone.go_on(first, second, "again")
    assert alone.refused(first, third), "a runner that was given up asks late"
    alone.go_on(second, third)
    alone.next(0, (third, {"result": None}))
    assert next(one["result"] for one in alone.outcomes().values()) == "first"


def test_a_word_that_a_server_did_not_keep_is_no_lost_runner(alone):
    """It went to a server without the plugin: the run must not go on as if a runner had died."""
    alone.plan("a", "b", "c")
    first = alone.next(0)
    answer = alone.next(0, (first["ahead"][0], {"result": None}))
    assert answer["refused"]["type"] == "InstallationError"
    assert json.loads(alone.get("run", 0, store_keys.BATCH))["turns"]["0"]["status"] == "taken"


def test_a_question_that_comes_late_changes_nothing(alone):
    alone.plan("a", "b", "c")
    body = {"tries": TRIES, "ended": None, "fresh": False}
    for call in ("runner.8", "runner.9", "runner.8"):
        alone.set("run", 0, store_keys.NEXT, {**body, "call": call})
    turns = json.loads(alone.get("run", 0, store_keys.BATCH))["turns"]
    assert [turn["status"] for turn in turns.values()] == ["again", "taken"], "two were asked for, not three"


def test_a_runner_asks_when_things_are_not_as_it_was_told(alone):
    alone.plan("a", "b", "c")
    first = alone.next(0)
    second, third = first["ahead"]
    assert alone.refused(first, third), "not the next one"
    assert alone.refused({**first, "attempt": 2}, second), "not what it has in hand"
    assert alone.refused(first, {**second, "attempt": 2}), "not as often tried"
    alone.end("run", 0, TaskInstanceState.RUNNING, max_tries=6)
    assert alone.refused(first, second), "another life of the task instance"
    alone.end("run", 0, TaskInstanceState.FAILED)
    assert alone.refused(first, second), "it is not running"


def test_nobody_goes_on_in_a_run_that_was_stopped(alone):
    alone.plan(*"abcdefghi")
    first, other = alone.next(0), alone.next(1)
    for _ in range(2):  # one is tolerated
        other = alone.next(1, (other, {"error": ERROR, "final": True}))
    assert "subtasks.tolerate is" in other["reason"]
    assert alone.refused(first, first["ahead"][0])


def test_what_a_subtask_enqueues_for_its_own_runner_comes_after_what_it_was_told_of(alone):
    alone.plan("a", "b")
    first = alone.next(0)
    alone.ask("run", 0, store_keys.ENQUEUE, {"children": [["c", {"node": "c"}]]})
    [second] = first["ahead"]
    alone.go_on(first, second)
    assert key(alone.next(0, (second, {"result": None}))) == "c"


def test_so_much_is_told_ahead_as_a_runner_should_hold(alone):
    alone.planned("abc", text="x" * 20_000)
    alone.instance("run", 0)
    alone.mapped(1)
    assert [key(one) for one in alone.next(0)["ahead"]] == ["b"]


def test_nothing_is_told_ahead_where_steps_may_change_it(run):
    run.plan("a", "b", "c")
    assert run.next(0)["ahead"] == []
