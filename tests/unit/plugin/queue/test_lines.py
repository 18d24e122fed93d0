"""The log lines and the gauges of the queue."""

from datetime import UTC, datetime

import pytest
from airflow import settings
from airflow.utils.state import DagRunState
from sqlalchemy.orm import sessionmaker
from structlog.testing import capture_logs

from airflow_mcp_provider.plugin import metrics
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.queue import termination
from airflow_mcp_provider.plugin.queue.monitor import QueueMonitor
from tests.unit.plugin.conftest import SETTINGS


def of(lines, event):
    return [
        {name: value for name, value in line.items() if name != "log_level"} for line in lines if line["event"] == event
    ]


def test_a_start_has_the_numbers_with_the_run(job, start):
    first = job.run("first")
    job.run("second")
    with capture_logs() as lines:
        assert start(first) == DagRunState.RUNNING
    why = {"decision": "started", "reason": "next in the queue"}
    assert of(lines, "run started") == [
        {"event": "run started", "job": "crawl", "run": "first", "queued": 1, "running": 1, **why}
    ]


@pytest.mark.parametrize("msg", ["success", termination.MSG])
def test_an_end_has_the_numbers_of_the_others(job, start, msg):
    done, _ = job.run("done", DagRunState.RUNNING), job.run("next")
    with capture_logs() as lines:
        done.state, done.end_date = DagRunState.SUCCESS, datetime.now(UTC)
        done.notify_dagrun_state_changed(msg=msg)
    others = {"queued": 1, "running": 0}
    expected = {"event": "run finished", "job": "crawl", "run": "done", "state": "success", "reason": msg, **others}
    assert of(lines, "run finished") == [expected]


def test_a_run_that_ends_without_a_start_is_finished(job, session):
    run = job.run("late")
    session.commit()
    with capture_logs() as lines:
        termination.end_unstarted(session, session.connection(), {run.id: End(Reason.TIMEOUT, "too late")})
    (line,) = of(lines, "run finished")
    assert (line["run"], line["state"], line["queued"], line["running"]) == ("late", "failed", 0, 0)


def test_the_gauges_have_a_job_while_it_has_active_runs_and_once_more(job, session, monkeypatch):
    made = sessionmaker(session.connection(), join_transaction_mode="create_savepoint", expire_on_commit=False)
    monkeypatch.setattr(settings, "NonScopedSession", made)
    sent = []
    monkeypatch.setattr(metrics, "gauge", lambda name, value, tags: sent.append((name, value, tags)))
    monitor, run = QueueMonitor(SETTINGS), job.run("alone", DagRunState.RUNNING)
    session.commit()
    monitor.look()
    tags = {"dag_id": "crawl"}
    assert sent == [("mcp.queue.length", 0, tags), ("mcp.queue.running", 1, tags)]
    sent.clear()
    run._state = DagRunState.SUCCESS
    session.commit()
    monitor.look()
    monitor.look()
    assert sent == [("mcp.queue.length", 0, tags), ("mcp.queue.running", 0, tags)]
