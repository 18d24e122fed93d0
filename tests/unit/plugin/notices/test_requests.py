"""Requests to call notifiers: for which ends of a run there is one, and exactly one."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import text

from airflow_mcp_provider.plugin.db import run_notes
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.queue import termination
from airflow_mcp_provider.plugin.status import notices
from airflow_mcp_provider.plugin.status.late_runs import LateRuns
from tests.unit.plugin.conftest import SETTINGS

WANTED = (Reason.CANCELLED, Reason.REPLACED)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_run_that_ends_before_its_start(make, session, requested, reason):
    run = make("crawl").run("r")
    end = End(reason, "it waited too long")
    with session.connection().begin_nested():
        assert termination.end_unstarted(session, session.connection(), {run.id: end}) == [run.id]
    if reason in WANTED:
        assert requested() == []
        return
    ((path, notice),) = requested()
    assert path == "crawl.py"
    assert notice == {
        "event": "failure",
        "job": "crawl",
        "run": "r",
        "state": "failed",
        "url": "http://localhost:8080/dags/crawl/runs/r",
        "reason": "it waited too long",
    }


def test_a_job_without_notifiers_has_no_requests(make, session, requested):
    job = make("crawl", "")
    run = job.run("r")
    termination.end_unstarted(session, session.connection(), {run.id: End(Reason.QUEUE_TIMEOUT, "x")})
    assert requested() == []


@pytest.fixture
def ended(make, session):
    """Return a run that has failed after its start."""
    job = make("crawl")
    run = job.run("r", DagRunState.FAILED)
    run.end_date = datetime.now(UTC)
    report = TaskInstance(job.dag.get_task("report"), dag_version_id=None, run_id="r", state=TaskInstanceState.FAILED)
    session.add(report)
    session.flush()
    return run


@pytest.mark.parametrize("msg", ["task_failure", "all_tasks_deadlocked", "timed_out"])
def test_a_failure_that_the_report_has_not_sent(ended, session, requested, msg):
    run_notes.put(session.connection(), ended.id, "failed: the report failed: ValueError: no")
    notices.ended(ended, msg, SETTINGS)
    ((_, notice),) = requested()
    assert notice["event"] == "failure"
    assert "no" in notice["reason"]


@pytest.mark.parametrize("msg", ["DAG run failed by a user", "ended by airflow-mcp-provider"])
def test_a_run_that_a_user_ends_is_not_a_failure(ended, requested, msg):
    notices.ended(ended, msg, SETTINGS)
    assert requested() == []


@pytest.mark.parametrize(("event", "count"), [("failure", 0), ("success", 1)])
def test_what_the_report_has_sent_is_not_sent_again(ended, session, requested, event, count):
    names = {"dag_id": "crawl", "run_id": "r", "task_id": "report", "map_index": -1}
    XComModel.set(key="notified", value={"event": event, "failed": []}, **names, session=session)
    notices.ended(ended, "task_failure", SETTINGS)
    assert len(requested()) == count


@pytest.mark.parametrize(("cleared", "count"), [(timedelta(minutes=-1), 0), (timedelta(minutes=1), 1)])
def test_what_the_report_has_sent_counts_until_the_run_is_cleared(ended, session, requested, cleared, count):
    """A cleared run may fail before its report starts again, and only then Airflow removes the XCom."""
    names = {"dag_id": "crawl", "run_id": "r", "task_id": "report", "map_index": -1}
    XComModel.set(key="notified", value={"event": "failure", "failed": []}, **names, session=session)
    ended.queued_at = datetime.now(UTC) + cleared
    session.flush()
    notices.ended(ended, "timed_out", SETTINGS)
    assert len(requested()) == count


def test_late_runs(make, session, requested, own_sessions):
    job = make("crawl")
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    job.run("active", DagRunState.RUNNING, after=-3600, queued_at=long_ago)
    job.run("waits", queued_at=long_ago, after=-3600)
    job.run("ended", DagRunState.FAILED, queued_at=long_ago, after=-3600)
    job.run("new", queued_at=datetime.now(UTC))
    job.run("early", queued_at=long_ago, after=3600)
    make("other", "").run("other", DagRunState.RUNNING)
    session.commit()
    looks = [LateRuns(), LateRuns()]  # of two schedulers
    for look in (*looks, *looks):
        look.look()
    found = {notice["run"]: notice for _, notice in requested()}
    assert len(requested()) == len(found) == 2
    assert found["waits"]["reason"] == "still queued 10m after it could start"
    assert found["active"]["reason"] == "still running 10m after it could start"
    assert {notice["after"] for notice in found.values()} == {600}
    session.execute(text("UPDATE dag_run SET clear_number = 1 WHERE run_id = 'active'"))
    session.commit()
    for look in (*looks, *looks):
        look.look()
    assert [notice["run"] for _, notice in requested()].count("active") == 2, "it was cleared, and is late again"
