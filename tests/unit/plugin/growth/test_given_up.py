"""A runner that was given up, and wakes: nothing that it says counts."""

import json

import pytest
from airflow.models.dagrun import DagRunNote
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, TaskInstanceState
from fastapi import HTTPException
from sqlalchemy import select

from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.queue.cancel import end_run
from airflow_mcp_provider.runtime import store_keys
from tests.unit.plugin.played import Played

GIVEN_UP = [TaskInstanceState.FAILED, TaskInstanceState.UP_FOR_RETRY, TaskInstanceState.QUEUED, None]


class Simple(Played):
    SPEC = "plan: {items: [1]}\nrun: {shell: x}"

    def __init__(self, session, job):
        super().__init__(session, job)
        self.planned(["a"])
        self.one = self.instance("run", 0)

    def state(self, state):
        self.one.state = state
        self.session.flush()


@pytest.fixture
def run(session, job):
    return Simple(session, job)


def refused(run, key, value, *, task="run", index=0):
    with pytest.raises(HTTPException) as error:
        run.set(task, index, key, value)
    return error.value.status_code, error.value.detail["message"]


@pytest.mark.parametrize("state", GIVEN_UP)
def test_its_outcome_does_not_count(run, state):
    run.state(state)
    status, message = refused(run, store_keys.OUTCOME, {"attempt": 1, "result": 5})
    assert status == 409
    assert message.startswith("this runner was given up")
    assert run.get("run", 0, store_keys.OUTCOME) is None


@pytest.mark.parametrize("state", GIVEN_UP)
def test_it_is_too_late_for_it_when_its_run_has_ended_by_itself(run, state):
    run.state(state)
    run.run.state = DagRunState.FAILED
    run.session.flush()
    assert refused(run, store_keys.OUTCOME, {"attempt": 1, "result": 5})[0] == 409
    assert run.get("run", 0, store_keys.OUTCOME) is None


@pytest.mark.parametrize("state", GIVEN_UP)
def test_its_work_does_not_begin(run, state):
    assert "stopped" not in json.loads(run.get("run", 0, store_keys.ITEM))
    run.state(state)
    told = json.loads(run.get("run", 0, store_keys.ITEM))["stopped"]
    assert told == "its run was ended, or this runner was given up"


def test_nor_that_of_a_run_that_was_cancelled_meanwhile(run, session):
    end_run(session, RunRef(run.run.id, "crawl", "one"), End(Reason.CANCELLED, "by ann", grace=30), 15)
    session.expire_all()
    assert "stopped" in json.loads(run.get("run", 0, store_keys.ITEM))


@pytest.mark.parametrize("state", GIVEN_UP)
def test_it_enqueues_nothing_and_continues_nowhere(run, state):
    run.state(state)
    asked = {
        store_keys.ENQUEUE: {"children": [["b", {}]]},
        store_keys.DONE: {"outcome": {"attempt": 1, "result": 5}},
        store_keys.CALL: {"job": "other", "conf": {}, "results": {}},
    }
    for key, body in asked.items():
        assert run.ask("run", 0, key, body)["refused"]["type"] == "RunIsOver"


def test_one_that_works_is_heard(run):
    run.set("run", 0, store_keys.OUTCOME, {"attempt": 1, "result": 5})
    assert json.loads(run.get("run", 0, store_keys.OUTCOME))["result"] == 5


def test_the_work_of_a_cancelled_run_may_say_how_it_ended(run, session):
    end_run(session, RunRef(run.run.id, "crawl", "one"), End(Reason.CANCELLED, "by ann", grace=30), 15)
    session.expire_all()
    assert session.scalar(select(TaskInstance.state).where(TaskInstance.task_id == "run")) == "failed"
    error = {"type": "SoftTimeout", "message": "clean up", "trace": ""}
    run.set("run", 0, store_keys.OUTCOME, {"attempt": 1, "error": error, "final": True})
    assert run.outcomes()["a", "run"]["error"]["type"] == "SoftTimeout"
    assert json.loads(run.get("run", 0, store_keys.GRACE)) == 30


def test_a_runner_of_a_run_that_was_not_ended_has_no_grace(run):
    assert run.get("run", 0, store_keys.GRACE) is None
    run.run.state = DagRunState.FAILED
    run.session.flush()
    assert run.get("run", 0, store_keys.GRACE) is None


def test_a_report_that_was_ended_leaves_the_note_of_the_end(run, session):
    run.instance("report", -1)
    end_run(session, RunRef(run.run.id, "crawl", "one"), End(Reason.CANCELLED, "by ann"), 15)
    session.expire_all()
    status, _ = refused(run, store_keys.VERDICT, {"note": "failed: the report failed"}, task="report", index=-1)
    assert status == 409
    assert session.scalar(select(DagRunNote.content)) == "cancelled: by ann"


def test_a_report_that_was_ended_brings_no_subtask_back(run, session):
    """Those that the end has skipped stay so."""
    run.instance("report", -1)
    run.state(None)
    end_run(session, RunRef(run.run.id, "crawl", "one"), End(Reason.CANCELLED, "by ann"), 15)
    session.expire_all()
    assert run.ask("report", -1, store_keys.CONFIRM, {})["refused"]["type"] == "RunIsOver"
    assert run.states("run") == {0: "skipped"}
