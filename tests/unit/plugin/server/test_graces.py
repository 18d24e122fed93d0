"""Heartbeats of the runners of a cancelled run: the answer has the grace."""

import pytest
from airflow import settings
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker

from airflow_mcp_provider.plugin.control.airflow_internals import clear_task_instances
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.queue.cancel import end_run
from airflow_mcp_provider.plugin.server import handlers
from airflow_mcp_provider.plugin.server.airflow_internals import TIHeartbeatInfo
from airflow_mcp_provider.plugin.server.handlers import StoreRequest


@pytest.fixture
def beat(session, monkeypatch):
    made = sessionmaker(session.connection(), join_transaction_mode="create_savepoint", expire_on_commit=False)
    monkeypatch.setattr(settings, "NonScopedSession", made)

    def beat(ids=()):
        session.commit()
        ids = ids or session.scalars(select(TaskInstance.id).order_by(TaskInstance.map_index)).all()
        sent = TIHeartbeatInfo(hostname="host", pid=1)
        return handlers.beat([StoreRequest(one, "heartbeat", sent) for one in ids])

    return beat


@pytest.fixture
def run(job, session):
    made = job.run("a", DagRunState.RUNNING)
    for index, state in enumerate((TaskInstanceState.RUNNING, TaskInstanceState.SUCCESS)):
        one = TaskInstance(job.dag.get_task("run"), dag_version_id=None, run_id="a", state=state, map_index=index)
        one.hostname, one.pid = "host", 1
        session.add(one)
    session.flush()
    return made


def test_the_runners_of_a_cancelled_run_are_told_the_grace(run, session, beat):
    assert beat() == [handlers.KEPT, handlers.PASSED], "Airflow answers one whose task has ended"
    end_run(session, RunRef(run.id, "crawl", "a"), End(Reason.CANCELLED, "x", grace=30), 15)
    first, second = beat()
    assert first.status == second.status == 409
    assert first.content["detail"] == {
        "reason": "not_running",
        "message": "the run was ended; the task has to end within the grace",
        "current_state": "failed",
        "mcp_grace": 30,
    }


def cleared(session):
    """Clear the run; returns the id that the runner of its task knows."""
    one = session.scalar(select(TaskInstance).where(TaskInstance.map_index == 0))
    known = one.id
    clear_task_instances([one], session)
    session.flush()
    assert one.id != known
    return known


def test_the_runners_of_a_run_that_was_cleared_within_its_grace_are_told_it_too(run, session, beat):
    end_run(session, RunRef(run.id, "crawl", "a"), End(Reason.CANCELLED, "x", grace=30), 15)
    known = cleared(session)
    [told] = beat([known])
    assert (told.status, told.content["detail"]["mcp_grace"]) == (409, 30)
    assert handlers.grace([StoreRequest(known, "mcp.grace")])[0].content == {"value": 30}
    end_run(session, RunRef(run.id, "crawl", "a"), End(Reason.CANCELLED, "again", grace=1), 15)
    assert beat([known])[0].content["detail"]["mcp_grace"] == 30, "cancelled once more, in the queue"


def test_when_the_run_works_again_there_is_no_grace(run, session, beat):
    end_run(session, RunRef(run.id, "crawl", "a"), End(Reason.CANCELLED, "x", grace=30), 15)
    known = cleared(session)
    run.state = DagRunState.RUNNING
    session.flush()
    assert beat([known]) == [handlers.PASSED]
    assert handlers.grace([StoreRequest(known, "mcp.grace")]) == [handlers.PASSED]


def test_nobody_is_told_of_a_grace_that_is_over(run, session, beat):
    end_run(session, RunRef(run.id, "crawl", "a"), End(Reason.CANCELLED, "x"), 0)
    assert beat() == [handlers.PASSED, handlers.PASSED]
