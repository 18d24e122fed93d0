"""No run succeeds on less than it has done: lost and damaged outcomes, told apart from what a person has marked."""

import json

import pytest
from sqlalchemy import delete, update

from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance
from airflow_mcp_provider.runtime import store_keys
from tests.unit.plugin.played import Played

TURN = {"fresh": False, "tries": {"attempts": 3, "delay": 5, "backoff": 2, "max_delay": 600}}


class Lone(Played):
    """A task instance a subtask."""

    SPEC = "plan: {items: [1]}\nrun: {shell: x}"

    def ends(self, index, **outcome):
        self.instance("run", index)
        self.set("run", index, store_keys.OUTCOME, {"attempt": 1, **outcome})


class Packed(Played):
    """Two subtasks a task instance."""

    SPEC = "plan: {items: [1]}\nrun: {shell: x}\nsubtasks: {batch: 2}"
    TRIES = 5

    def next(self, index, ended=None):
        return self.ask("run", index, store_keys.NEXT, {**TURN, "ended": ended})

    def does_all(self, index):
        self.instance("run", index)
        given = self.next(index)
        while "item" in given:
            given = self.next(index, {**{name: given[name] for name in ("place", "attempt")}, "result": 1})
        self.succeed("run", index)


@pytest.fixture
def lone(session, job):
    run = Lone(session, job)
    run.planned(["a", "b"])
    for index in (0, 1):
        run.ends(index, result=index)
        run.succeed("run", index)
    return run


@pytest.fixture
def packed(session, job):
    run = Packed(session, job)
    run.planned(["a", "b", "c"])
    run.does_all(0)
    run.does_all(1)
    return run


def remove(run, key, index=0):
    run.session.execute(delete(Store).where(Store.task_id == "run", Store.map_index == index, Store.key == key))


def damage(run, key, value, index=0):
    row = update(Store).where(Store.task_id == "run", Store.map_index == index, Store.key == key)
    run.session.execute(row.values(value=value))


def found(run, index):
    return run.session.query(TaskInstance).filter_by(task_id="run", map_index=index).one()


def ends(told):
    return [told[name] for name in ("succeeded", "failed", "skipped")]


def test_all_is_there(lone):
    assert (ends(lone.tally(2)), lone.tally(2)["steps"], lone.tally(2)["failures"]) == ([2, 0, 0], {}, [])


def test_all_of_batches_is_there(packed):
    assert ends(packed.tally(3)) == [3, 0, 0]


def test_a_success_without_its_outcome_has_failed(lone):
    remove(lone, store_keys.OUTCOME)
    assert ends(lone.tally(2)) == [1, 1, 0]
    assert "mcp.outcome of the state store was removed" in lone.tally(2)["failures"][0]["message"]
    outcomes = lone.outcomes()
    assert (outcomes["a", "run"]["status"], outcomes["b", "run"]["result"]) == ("failed", 1)


@pytest.mark.parametrize("value", ["[1]", "null", "{", '{"attempt": "x"}', '{"attempt": 1}', '{"attempt": 1'])
def test_a_damaged_outcome_is_counted_as_the_report_gets_it(lone, value):
    damage(lone, store_keys.OUTCOME, value)
    told = lone.tally(2)
    assert (ends(told), told["failures"][0]["key"], told["failures"][0]["type"]) == ([1, 1, 0], "a", "InvalidRow")
    assert lone.outcomes()["a", "run"]["status"] == "failed"


@pytest.mark.parametrize("keys", [[store_keys.ITEM], [store_keys.ITEM, store_keys.OUTCOME]])
def test_a_subtask_without_any_row_has_failed_once(lone, keys):
    for key in keys:
        remove(lone, key)
    told = lone.tally(2)
    assert (ends(told), told["failures"][0]["key"]) == ([1, 1, 0], "1 of 2 subtasks")


def test_one_that_failed_and_is_lost_is_counted_once(session, job):
    run = Lone(session, job)
    run.planned(["a", "b"])
    for index in (0, 1):
        run.ends(index, error={"type": "ValueError", "message": "no", "trace": ""}, final=True)
        found(run, index).state = "failed"
    run.session.flush()
    remove(run, store_keys.ITEM)
    remove(run, store_keys.OUTCOME, 1)
    told = run.tally(2)
    assert (ends(told), [one["type"] for one in told["failures"]]) == ([0, 2, 0], ["RunnerLost", "InvalidRow"])


@pytest.mark.parametrize("before", [None, {"error": {"type": "ValueError", "message": "no", "trace": ""}}])
def test_one_that_a_person_marked_as_success_is_one(session, job, before):
    run = Lone(session, job)
    run.planned(["a"])
    one = run.instance("run", 0)
    if before:
        run.set("run", 0, store_keys.OUTCOME, {"attempt": 1, **before})
    one.state = "success"
    run.session.flush()
    assert ends(run.tally(1)) == [1, 0, 0]
    assert (run.outcomes()["a", "run"]["status"], run.outcomes()["a", "run"]["result"]) == ("success", None)


def test_one_that_was_marked_after_it_was_cleared_is_a_success(lone):
    """The audit log has a success of an earlier try."""
    remove(lone, store_keys.OUTCOME)
    found(lone, 0).try_number = 2
    lone.session.flush()
    assert ends(lone.tally(2)) == [2, 0, 0]


@pytest.mark.parametrize(
    ("key", "lost"), [(store_keys.OUTCOME, ["a"]), (store_keys.BATCH, ["a", "b"]), (store_keys.ITEM, None)]
)
def test_what_is_lost_inside_a_batch_has_failed(packed, key, lost):
    remove(packed, key)
    told = packed.tally(3)
    keys = [one["key"] for one in told["failures"]]
    assert (keys, told["failed"]) == (lost or ["1 of 3 subtasks"], len(keys))
    if lost:
        assert [key for (key, _), one in packed.outcomes().items() if one["status"] == "failed"] == lost


@pytest.mark.parametrize("value", ["[1]", "{", '{"life": 0, "turns": {}}', '{"life": 5, "turns": {}}', "null"])
def test_a_damaged_batch_has_not_succeeded(packed, value):
    damage(packed, store_keys.BATCH, value)
    assert ends(packed.tally(3)) == ([3, 0, 0] if '"life": 0' in value else [1, 2, 0])


@pytest.mark.parametrize("value", ["[1]", "{", "null", "{}"])
def test_a_damaged_outcome_inside_a_batch_has_failed(packed, value):
    damage(packed, store_keys.OUTCOME, value, index=1)
    assert ends(packed.tally(3)) == [2, 1, 0]


def test_a_batch_that_a_person_marked_is_a_success(session, job):
    run = Packed(session, job)
    run.planned(["a", "b", "c"])
    run.instance("run", 0).state = "success"
    run.does_all(1)
    assert ends(run.tally(3)) == [3, 0, 0]


def test_pages_of_a_tally_are_as_many_as_there_are_rows(session, job, monkeypatch):
    monkeypatch.setattr("airflow_mcp_provider.plugin.growth.outcomes.PAGE_ROWS", 2)
    run = Lone(session, job)
    run.planned(["a", "b", "c", "d", "e"])
    run.ends(0, result=1)
    run.succeed("run", 0)
    assert json.loads(run.get("report", -1, store_keys.TALLY + "0.0"))["next"] == "0.2"
    assert ends(run.tally(5)) == [1, 0, 4]
