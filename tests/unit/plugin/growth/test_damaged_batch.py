"""Damaged rows of a batch: what they belong to has failed, is told so and counted so; the others are done."""

import json

import pytest
from airflow.utils.state import TaskInstanceState
from fastapi import HTTPException
from sqlalchemy import update

from airflow_mcp_provider.plugin.db.state_store import Store
from airflow_mcp_provider.runtime import store_keys
from tests.unit.plugin.growth.test_batch_dispatch import ERROR, Packed, key

DAMAGED = ["[1]", "5", "null", "{", '{"key": 5}', '{"key": "b", "payload": [], "depth": 0}']


class Lone(Packed):
    """A step alone: its runner is told beforehand what comes next."""

    SPEC = "plan: {items: [1]}\nrun: {shell: x}\nsubtasks: {batch: 3, tolerate: 100%}"

    def __init__(self, session, job):
        super(Packed, self).__init__(session, job)

    def plan(self, *keys):
        self.planned(keys)
        self.instance("run", 0)
        self.instance("report", -1)
        self.mapped(1)
        self.end("plan", -1, TaskInstanceState.SUCCESS)

    def damage(self, index, row, value):
        where = (Store.task_id == "run", Store.map_index == index, Store.key == row)
        self.session.execute(update(Store).where(*where).values(value=value))

    def next(self, ended=None, **more):
        return super().next(0, ended, task_id="run", **more)


@pytest.fixture
def run(session, job):
    one = Lone(session, job)
    one.plan("a", "b", "c")
    return one


@pytest.mark.parametrize("value", DAMAGED)
def test_a_damaged_item_fails_alone_and_the_runner_goes_on(run, value):
    run.damage(1, store_keys.ITEM, value)
    first = run.next()
    assert (key(first), first["ahead"]) == ("a", []), "nothing is told beforehand that nobody can do"
    third = run.next((first, {"result": 1}))
    assert key(third) == "c"
    over = run.next((third, {"result": 3}))
    assert (over["next"], over["size"], over["failed"]) == ("over", 3, 1)
    assert over["first"].startswith(("run[1]: InvalidRow: the row mcp.item", "b: InvalidRow: the row mcp.item"))
    run.end("run", 0, TaskInstanceState.FAILED)
    assert run.counts() == [3, 2, 1, 0, 0]
    told = run.outcomes()
    assert told["run[1]", "run"]["error"]["type"] == "InvalidRow"
    assert [told[name, "run"]["result"] for name in "ac"] == [1, 3]


def test_a_damaged_first_item_takes_nobody_the_label(run):
    run.damage(0, store_keys.ITEM, "5")
    second = run.next()
    assert key(second) == "b"
    third = run.next((second, {"error": ERROR, "final": True}))
    over = run.next((third, {"result": 3}))
    assert (over["label"], over["failed"]) == ("run[0] +2", 2)


def ends(run):
    """What the report counts."""
    told = run.tally(3)
    return [told[name] for name in ("succeeded", "failed", "skipped")]


def done(run):
    given = run.next()
    for value in (1, 2, 3):
        given = run.next((given, {"result": value}))
    assert given["next"] == "over"
    run.end("run", 0, TaskInstanceState.SUCCESS)
    assert run.counts() == [3, 3, 0, 0, 0]


@pytest.mark.parametrize("row", [store_keys.ITEM, store_keys.OUTCOME])
@pytest.mark.parametrize("value", ["[1]", "5", "null", "{", "{}", '{"x": 1}'])
def test_a_success_whose_row_was_damaged_is_none(run, row, value):
    done(run)
    run.damage(1, row, value)
    assert ends(run) == [2, 1, 0]
    told = run.outcomes()
    assert [one["error"]["type"] for one in told.values() if one["error"]] == ["InvalidRow"]
    assert [told[name, "run"]["result"] for name in "ac"] == [1, 3]


@pytest.mark.parametrize("value", ["[1]", "null", "{", '{"life": 1}', '{"life": 5, "turns": {"0": {"status": "x"}}}'])
def test_of_a_damaged_batch_all_have_failed(run, value):
    done(run)
    run.damage(0, store_keys.BATCH, value)
    assert ends(run) == [0, 3, 0]
    assert {one["error"]["type"] for one in run.outcomes().values()} == {"InvalidRow"}


@pytest.mark.parametrize("value", ["[1]", '{"life": 1}', '{"life": 5, "turns": {"0": 5}}'])
def test_a_runner_of_a_damaged_batch_is_told_and_does_not_ask_in_vain(run, value):
    run.next()
    run.damage(0, store_keys.BATCH, value)
    assert run.next()["refused"]["type"] == "InvalidRow"
    run.end("run", 0, TaskInstanceState.RUNNING)
    assert json.loads(run.get("run", 0, store_keys.ITEM))["key"] == "a"


def test_a_damaged_pod_row_is_a_lost_runner(run):
    run.next()
    run.set("run", 0, "mine", 1)
    run.session.execute(update(Store).where(Store.key == "mine").values(key=store_keys.POD, value="[1]"))
    instance = run.end("run", 0, TaskInstanceState.RUNNING)
    instance.try_number = 2
    run.session.flush()
    assert run.next(tries={"attempts": 1, "delay": 0.0, "backoff": 1.0, "max_delay": 0.0})["attempt"] == 1
    assert run.outcomes()["a", "run"]["error"]["type"] == "RunnerLost"


@pytest.mark.parametrize("delay", [1e308, float("inf"), float("nan"), "x"])
def test_a_pause_that_is_none_is_refused(run, delay):
    given = run.next()
    tries = {"attempts": 5, "delay": delay, "backoff": 1e300, "max_delay": delay}
    with pytest.raises(HTTPException, match=r"422: .*\$\.tries\.delay"):
        run.next((given, {"error": ERROR}), tries=tries)
