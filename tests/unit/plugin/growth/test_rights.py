"""What a runner may not do, whatever it sends: the rows of other subtasks, the scheduler's lock, unreadable values."""

import json

import pytest
from airflow.models.taskinstance import TaskInstance
from fastapi import HTTPException

from airflow_mcp_provider.runtime import store_keys
from tests.unit.plugin.growth.test_batch_dispatch import TRIES, Packed
from tests.unit.plugin.played import Played


class Alone(Played):
    SPEC = "plan: {items: [1]}\nrun: {shell: x}"


class InBatches(Played):
    SPEC = "plan: {items: [1]}\nrun: {shell: x}\nsubtasks: {batch: 3}"
    TRIES = 3


@pytest.fixture
def run(session, job):
    run = Alone(session, job)
    run.planned(["a", "b"])
    run.mapped(2)
    return run


def refused(status, call, *arguments):
    with pytest.raises(HTTPException) as refusal:
        call(*arguments)
    assert refusal.value.status_code == status
    return str(refusal.value.detail)


def test_the_runner_of_a_batch_stores_no_outcome_of_another_batch(session, job):
    """Its map index, 1, is the place of ``b``, which the runner before it does."""
    run = InBatches(session, job)
    run.planned(["a", "b", "c", "d"])
    run.mapped(2)
    for index in range(2):
        run.instance("run", index)
    got = run.ask("run", 0, store_keys.NEXT, {"tries": TRIES})
    while "item" in got:
        ended = {"place": got["place"], "attempt": got["attempt"], "result": "honest"}
        got = run.ask("run", 0, store_keys.NEXT, {"tries": TRIES, "ended": ended})
    for outcome in ({"attempt": 1, "result": "forged"}, {"attempt": 1}):
        assert "mcp.next" in refused(409, run.set, "run", 1, store_keys.OUTCOME, outcome)
    assert run.outcomes()["b", "run"]["result"] == "honest"


def test_the_runner_of_a_batch_hands_on_no_subtask_of_another_batch(session, job):
    run = Packed(session, job)
    run.plan("a", "b", "c", "d")
    answer = run.ask("search", 1, store_keys.DONE, {"outcome": {"attempt": 1, "result": "forged"}})
    assert answer["refused"]["type"] == "InvalidPayload"
    assert run.get("write", 0, store_keys.ITEM) is None


def test_only_the_report_takes_the_schedulers_lock(run, session):
    """Under that lock a task instance that the scheduler made gets its label."""
    one = run.instance("run", 0)
    one._rendered_map_index = None
    session.flush()
    assert run.ask("run", 0, store_keys.CONFIRM, {})["refused"]["type"] == "RunIsOver"
    label = session.query(TaskInstance._rendered_map_index).filter_by(task_id="run", map_index=0)
    assert label.scalar() is None
    run.instance("report", -1)
    run.ask("report", -1, store_keys.CONFIRM, {})
    assert label.scalar() == "a"


@pytest.mark.parametrize("result", [2**70, float("nan"), "a\0b", {"deep": float("inf")}])
def test_a_result_that_the_report_could_not_read_is_refused(run, result):
    run.instance("run", 0)
    assert "result" in refused(422, run.set, "run", 0, store_keys.OUTCOME, {"attempt": 1, "result": result})


def test_the_class_of_an_error_has_a_bound(run):
    run.instance("run", 0)
    error = {"type": "E" * 2_001, "message": "m"}
    assert "error.type" in refused(422, run.set, "run", 0, store_keys.OUTCOME, {"attempt": 1, "error": error})


def test_only_the_scheduler_writes_why_a_pod_is_gone(run):
    run.instance("run", 0)
    refused(403, run.set, "run", 0, store_keys.POD, {"attempt": 1, "name": "p", "reason": "r", "message": "m"})


@pytest.mark.parametrize("name", ["plan", "report", "run.places"])
def test_a_step_has_no_name_of_another_task(session, job, name):
    run = Alone(session, job)
    run.begin["steps"] = [{**json.loads(json.dumps(run.begin["steps"][0])), "name": name}]
    assert "begin.steps" in run.planned(["a"])["refused"]["message"]


def test_the_first_step_waits_for_none(session, job):
    run = Alone(session, job)
    run.begin["steps"] = [{**run.begin["steps"][0], "wait": True}]
    assert "begin.steps.0.wait" in run.planned(["a"])["refused"]["message"]
