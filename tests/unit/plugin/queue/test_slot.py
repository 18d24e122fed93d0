"""The slot of a job: who holds it, as a run that the scheduler is about to start sees it."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState
from sqlalchemy import delete, text

from airflow_mcp_provider.plugin.db import run_end
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.db.tables import Log
from airflow_mcp_provider.plugin.queue import parallelism, slot
from tests.unit.plugin.queue.conftest import fresh


def hold(session, seconds):
    run_end.hold(session.connection(), "crawl", "gone", datetime.now(UTC) + timedelta(seconds=seconds))


def test_a_run_that_was_ended_from_outside_keeps_the_slot_for_a_while(job, start, session):
    hold(session, 3600)
    run = job.run("a")
    assert start(run) == "queued"
    assert fresh(session, run)[2].startswith(
        "waiting: gone was ended while it was running; its processes may run until "
    )
    session.execute(delete(Log))
    hold(session, -1)
    assert start(run) == "running"


@pytest.fixture
def working(job, session):
    """Give a run a task instance that is dispatched."""

    def give(run, state="running", **more):
        one = TaskInstance(job.dag.get_task("plan"), dag_version_id=None, run_id=run.run_id, state=state)
        for name, value in more.items():
            setattr(one, name, value)
        session.add(one)
        session.flush()
        return one

    return give


@pytest.mark.parametrize("state", ["queued", "running", "restarting"])
def test_a_run_that_ended_while_its_tasks_work_keeps_the_slot(job, start, session, working, state):
    one = working(job.run("ended", DagRunState.FAILED), state)
    run = job.run("a", conf={"mcp_priority": 1})
    assert start(run) == "queued"
    assert fresh(session, run)[2] == "waiting: tasks of ended are running"
    one.state = "success"
    assert start(run) == "running"


@pytest.mark.parametrize("state", ["queued", "running", "restarting"])
def test_a_run_that_was_set_back_while_its_tasks_work_goes_on_before_all_others(job, start, session, working, state):
    other = job.run("set_back")
    working(other, state)
    run = job.run("a", conf={"mcp_priority": 1})
    assert start(run) == "queued"
    assert fresh(session, run)[2] == "waiting: tasks of set_back are running"
    assert fresh(session, other)[0] == "running", "only in a running run Airflow finds out whether a runner is lost"


def test_of_two_runs_that_were_set_back_the_first_goes_on(job, start, session, working):
    first, second = job.run("first"), job.run("second", conf={"mcp_priority": 1})
    working(first)
    working(second)
    assert start(second) == "queued"
    assert [fresh(session, run)[0] for run in (first, second)] == ["running", "queued"]


def test_a_task_of_an_ended_run_that_nobody_will_ever_end_does_not_count(job, start, working):
    working(job.run("ended", DagRunState.FAILED), last_heartbeat_at=datetime.now(UTC) - slot.FORGOTTEN)
    assert start(job.run("a")) == "running"


def test_a_run_that_was_cleared_waits_for_its_own_processes_that_were_ended(job, start, session):
    run = job.run("gone")
    hold(session, 3600)
    assert start(run) == "queued"


def test_a_run_that_starts_again_has_not_ended(job, start, session):
    run = job.run("a")
    ref = RunRef(run.id, run.dag_id, run.run_id)
    run_end.put(session.connection(), ref, End(Reason.CANCELLED, "wrong url"))
    assert run_end.of_run(session.connection(), run.id).text == "wrong url"
    run.clear_number += 1
    session.flush()
    assert run_end.of_run(session.connection(), run.id) is None, "it was cleared"
    run.clear_number -= 1
    assert start(run) == "running"
    assert run_end.of_run(session.connection(), run.id) is None


def test_the_parallelism_of_a_run_holds_for_it_alone(job, start, session):
    first, second = job.run("first"), job.run("second")
    ref = RunRef(first.id, first.dag_id, first.run_id)
    parallelism.change(session, ref, 3, default=16, now=False)
    limit = text("SELECT max_active_tasks FROM dag")
    assert start(first) == "running"
    assert session.scalar(limit) == 3
    assert parallelism.of_active(session.connection(), "crawl") == 3
    first._state = DagRunState.SUCCESS
    assert start(second) == "running"
    assert session.scalar(limit) == job.dag.max_active_tasks == 16
    assert parallelism.of_active(session.connection(), "crawl") is None
