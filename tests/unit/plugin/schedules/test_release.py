"""When the flag is cleared that stops a schedule."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.dag import DagModel
from airflow.utils.state import DagRunState
from sqlalchemy import select

from airflow_mcp_provider.plugin.schedules.release import release

NOW = datetime.now(UTC)


@pytest.fixture
def blocked(job, session):
    """A job whose next date has come, and whose flag is set."""
    model = session.get_one(DagModel, "crawl")
    model.exceeds_max_non_backfill, model.next_dagrun_create_after = True, NOW - timedelta(minutes=1)
    session.flush()
    return job


def flag(session):
    return session.scalar(select(DagModel.exceeds_max_non_backfill).where(DagModel.dag_id == "crawl"))


def test_submitted_runs_do_not_stop_a_schedule(blocked, session):
    blocked.run("far", after=10**7)
    blocked.run("manual__1", DagRunState.RUNNING)
    assert release(session) == ["crawl"]
    assert flag(session) is False
    assert release(session) == []


@pytest.mark.parametrize("state", [DagRunState.QUEUED, DagRunState.RUNNING])
@pytest.mark.parametrize("kind", ["scheduled", "asset_triggered"])
def test_an_active_run_of_the_schedule_does(blocked, session, kind, state):
    blocked.run("s", state, run_type=kind)
    assert release(session) == []
    assert flag(session) is True


def test_a_schedule_whose_date_is_to_come_and_a_plain_dag_are_left_alone(blocked, session):
    model = session.get_one(DagModel, "crawl")
    model.next_dagrun_create_after = datetime.now(UTC) + timedelta(hours=1)
    session.flush()
    assert release(session) == []
    model.next_dagrun_create_after, model.tags = NOW - timedelta(minutes=1), []
    session.flush()
    assert release(session) == []
