"""The real application on Airflow's own tables, in a SQLite file that threads share; the user is that of a header."""

import shutil
import warnings
from functools import cache

import pytest
from airflow import settings
from airflow.api_fastapi.app import _AuthManagerState
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.security import get_user
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dag import DagModel, DagTag
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.state import DagRunState
from fastapi import HTTPException, Request
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

from airflow_mcp_provider.client.models import Run, RunState
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.db import dags
from airflow_mcp_provider.plugin.http_api.app import begin, build
from airflow_mcp_provider.plugin.status import addresses
from airflow_mcp_provider.spec import parse_job

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    import_all_models()
    path = tmp_path_factory.mktemp("tables") / "airflow.db"
    engine = create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def engine(empty):
    """One for all tests, because it keeps compiled statements; each test has a file of its own in this place."""
    path = empty.with_name("present.db")
    made = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": 30})
    event.listen(made, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    # At once a writer: of two transactions that read first and write then, SQLite would refuse one.
    event.listen(made, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return made


@pytest.fixture
def database(empty, engine, monkeypatch):
    """What Airflow's sessions use."""
    for rest in empty.parent.glob("present.db*"):
        rest.unlink()
    shutil.copyfile(empty, empty.with_name("present.db"))
    make = sessionmaker(engine, autoflush=False, expire_on_commit=False)
    monkeypatch.setattr(settings, "engine", engine)
    monkeypatch.setattr(settings, "NonScopedSession", make)
    monkeypatch.setattr(settings, "Session", scoped_session(make))
    monkeypatch.setattr(_AuthManagerState, "instance", SimpleAuthManager())
    dags.dag_bag.cache_clear()
    yield make
    settings.Session.remove()


def _user(request: Request):
    if (name := request.headers.get("x-user")) is None:
        raise HTTPException(401, "Not authenticated")
    return SimpleAuthManagerUser(username=name, role=request.headers.get("x-role", "user"))


@cache
def _built():
    return build()


def built(user):
    """Return an application with nothing in it: its routes, which take long, are made once."""
    made = _built()
    begin(made)
    made.dependency_overrides = {get_user: user}
    return made


@pytest.fixture
def app(database):
    return built(_user)


@pytest.fixture
def http(app):
    with TestClient(app, headers={"x-user": "anna"}, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def make_job(database):
    """Write a job as the DAG processor does."""

    def make(job="crawl", more="", tag="mcp", text=None):
        spec = parse_job(
            text
            or f"params: {{url: {{type: string, default: a}}, n: {{type: integer, default: 1}}}}\nplan: {{items: [1]}}\nrun: {{shell: x}}\n{more}",
            id=job,
        )
        lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(build_dag(spec)))
        with database() as session:
            if session.get(DagBundleModel, "b") is None:
                session.add(DagBundleModel(name="b"))
                session.flush()
            session.add(
                DagModel(
                    dag_id=job,
                    bundle_name="b",
                    relative_fileloc="jobs.py",
                    description=f"the job {job}",
                    is_paused=False,
                    is_stale=False,
                    max_active_tasks=16,
                    max_active_runs=1,
                    max_consecutive_failed_dag_runs=0,
                    has_task_concurrency_limits=False,
                    tags=[DagTag(name=one, dag_id=job) for one in (tag, *spec.tags)],
                )
            )
            session.flush()
            SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
            session.commit()

    return make


@pytest.fixture
def job(make_job):
    make_job()


@pytest.fixture
def set_run(database):
    """Change a run as the scheduler would."""

    def change(run_id, state=DagRunState.RUNNING, **more):
        with database() as session:
            run = session.scalars(select(DagRun).where(DagRun.run_id == run_id)).one()
            run._state = state
            for name, value in more.items():
                setattr(run, name, value)
            session.commit()
            return run.id

    return change


def document(state=RunState.RUNNING, note=None):
    """Return the document of a run."""
    empty = dict.fromkeys(
        ("position", "reason", "submitter", "not_before", "started", "ended", "progress", "result", "error")
    )
    return Run(
        job="j",
        run="r",
        state=state,
        done=state.done,
        priority=0,
        conf={},
        submitted="2026-01-01T00:00:00Z",
        note=note,
        links=addresses.links("j", "r"),
        **empty,
    )
