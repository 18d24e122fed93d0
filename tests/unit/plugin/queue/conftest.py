"""Start runs as the scheduler does."""

from datetime import UTC, datetime

import pytest
from airflow.listeners.listener import get_listener_manager
from airflow.utils.state import DagRunState
from sqlalchemy import text

from airflow_mcp_provider.plugin.listener import QueueListener
from tests.unit.plugin.conftest import SETTINGS


@pytest.fixture
def manager():
    manager = get_listener_manager()
    registered = manager.pm.get_plugins()
    manager.clear()
    yield manager
    manager.clear()
    for plugin in registered:
        manager.add_listener(plugin)


@pytest.fixture
def start(manager, session):
    """Start a run as ``SchedulerJobRunner._start_queued_dagruns`` does, and give what became of it."""
    manager.add_listener(QueueListener(SETTINGS))

    def start(run):
        run.state = DagRunState.RUNNING
        run.start_date = datetime.now(UTC)
        run.notify_dagrun_state_changed(msg="started")
        session.flush()
        return fresh(session, run)[0]

    return start


def fresh(session, run):
    """What the database says."""
    query = text(
        "SELECT state, start_date, (SELECT content FROM dag_run_note WHERE dag_run_id = id) FROM dag_run WHERE id = :id"
    )
    return tuple(session.execute(query, {"id": run.id}).one())
