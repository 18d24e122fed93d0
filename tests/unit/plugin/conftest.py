"""Airflow's real tables in a SQLite of our own, and jobs and runs in them; no process of Airflow's."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from airflow.listeners.listener import get_listener_manager
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dag import DagModel, DagTag
from airflow.models.dagrun import DagRun
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.state import DagRunState
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.growth import backend
from airflow_mcp_provider.plugin.listener import QueueListener
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.spec import parse_job
from tests.sizes import patient

SETTINGS = GateSettings(gate=True, lock_timeout=0.5, look_interval=5, end_grace=15)
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def tables():
    import_all_models()
    engine = create_engine("sqlite://", poolclass=StaticPool)
    # The driver's own idea of transactions knows no savepoints.
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    Base.metadata.create_all(engine)
    return engine


@pytest.fixture
def session(tables):
    """What a test does is undone: the session joins a transaction that never commits."""
    with tables.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()


@pytest.fixture(autouse=True)
def materializer():
    """End the threads that make task instances: they would look for the test's tables in another database."""
    yield
    backend.materializer().stop()
    backend.materializer.cache_clear()


@pytest.fixture
def monitored(monkeypatch):
    """Wait until the monitor of what is no scheduler's job has ended, which begins with each job of Airflow's."""
    for plugin in get_listener_manager().pm.get_plugins():
        if isinstance(plugin, QueueListener):
            monkeypatch.setattr(plugin, "_settings", replace(SETTINGS, look_interval=0.01))

    def ended():
        for thread in threading.enumerate():
            if thread.name == "mcp-monitor":
                thread.join(patient(30))

    return ended


class Job:
    """A job in the database, with runs."""

    def __init__(self, session, job_id="crawl", more=""):
        self.session = session
        spec = parse_job(f"plan: {{items: [1]}}\nrun: {{shell: x}}\n{more}", id=job_id)
        self.dag = DagSerialization.from_dict(DagSerialization.to_dict(build_dag(spec)))
        session.add(
            DagModel(
                dag_id=job_id,
                bundle_name="b",
                is_paused=False,
                is_stale=False,
                max_active_tasks=1,
                max_active_runs=1,
                max_consecutive_failed_dag_runs=0,
                has_task_concurrency_limits=False,
                tags=[DagTag(name="mcp", dag_id=job_id)],
            )
        )
        self.made = 0

    def run(self, run_id, state=DagRunState.QUEUED, *, conf=None, after=0, queued_at=None, run_type="manual"):
        """Make a run; ``after`` seconds of ``run_after``, by default in the order of making."""
        self.made += 1
        made = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=self.made + after)
        run = DagRun(dag_id=self.dag.dag_id, run_id=run_id, run_type=run_type, run_after=made, conf=conf or {})
        run._state, run.queued_at, run.dag = state, queued_at or made, self.dag
        self.session.add(run)
        self.session.flush()
        return run


@pytest.fixture
def make_job(session):
    def make(*args):
        return Job(session, *args)

    return make


@pytest.fixture
def job(make_job):
    return make_job()
