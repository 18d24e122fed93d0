"""Jobs whose spec is not valid, and jobs whose spec was removed."""

import inspect
from datetime import UTC, datetime, timedelta

import pytest
from airflow import settings
from airflow.api_fastapi.core_api.routes.public import dag_run as dag_run_route
from airflow.dag_processing import collection, manager
from airflow.models.base import Base
from airflow.models.dag import DagModel, DagTag
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import create_engine, select
from sqlalchemy.orm import scoped_session, sessionmaker

from airflow_mcp_provider.plugin.listener import QueueListener
from airflow_mcp_provider.plugin.queue import last_good, removed_jobs
from tests.unit.plugin.conftest import SETTINGS

OLD = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture(autouse=True)
def sessions(session, monkeypatch):
    made = sessionmaker(session.connection(), join_transaction_mode="create_savepoint", expire_on_commit=False)
    monkeypatch.setattr(settings, "NonScopedSession", made)


@pytest.fixture
def dag(session, job):
    found = session.get(DagModel, "crawl")
    found.fileloc, found.relative_fileloc = "/dags/jobs.py", "jobs.py"
    found.is_stale, found.has_import_errors, found.last_parsed_time = True, False, OLD
    session.commit()
    return found


@pytest.mark.parametrize(
    ("file", "kept"),
    [
        ("/dags/jobs/crawl.yaml", True),
        ("/dags/jobs/deep/crawl.yml", True),
        ("/dags/jobs/other.yaml", False),
        ("/dags/crawl.py", False),
        ("/other/jobs/crawl.yaml", False),
    ],
)
def test_the_job_of_a_wrong_spec_is_kept(session, dag, file, kept):
    last_good.keep(file)
    session.refresh(dag)
    assert (dag.is_stale, dag.last_parsed_time > OLD) == (not kept, kept)
    assert not dag.has_import_errors, "such a DAG would get no scheduled runs"


def test_a_job_is_kept_within_the_transaction_of_the_parse_on_sqlite(monkeypatch, tmp_path):
    """The parse has the lock of the database: a session of its own would wait for it until the driver gives up."""
    engine = create_engine(f"sqlite:///{tmp_path}/airflow.db", connect_args={"timeout": 0.1})
    Base.metadata.create_all(engine)
    monkeypatch.setattr(settings, "Session", scoped_session(sessionmaker(engine)))
    monkeypatch.setattr(settings, "NonScopedSession", sessionmaker(engine))
    dag = {"fileloc": "/dags/jobs.py", "relative_fileloc": "jobs.py", "is_stale": True, "last_parsed_time": OLD}
    with create_session() as parse:
        assert parse is settings.Session()
        parse.add(DagModel(dag_id="crawl", bundle_name="b", tags=[DagTag(name="mcp", dag_id="crawl")], **dag))
        parse.flush()
        last_good.keep("/dags/jobs/crawl.yaml")
    with create_session() as after:
        assert after.scalars(select(DagModel.is_stale)).all() == [False]


def test_a_dag_that_is_no_job_is_not_kept(session, dag):
    session.delete(session.get(DagTag, ("mcp", "crawl")))
    session.commit()
    last_good.keep("/dags/jobs/crawl.yaml")
    session.refresh(dag)
    assert dag.is_stale


def looked(session, dag):
    removed_jobs.look(1)
    session.expire_all()
    return dag.is_stale, dag.has_import_errors


def test_a_removed_job_is_kept_for_its_active_run(session, dag, job):
    run = job.run("active", DagRunState.RUNNING)
    session.commit()
    assert looked(session, dag) == (False, True)
    assert dag.last_parsed_time > OLD
    assert looked(session, dag) == (False, True)
    session.get(DagRun, run.id).state = DagRunState.SUCCESS
    session.commit()
    assert looked(session, dag) == (True, False)


def test_it_ends_with_this_run(session, dag, job):
    run = job.run("active", DagRunState.RUNNING)
    session.commit()
    looked(session, dag)
    removed_jobs.give_up_now(run, 1)
    session.expire_all()
    assert (dag.is_stale, dag.has_import_errors) == (True, False)


def test_it_ends_with_this_run_though_its_marker_is_damaged(session, dag, job, manager):
    """An error in one part of what is done at the end of a run leaves out no other."""
    manager.add_listener(QueueListener(SETTINGS))
    run = job.run("active", DagRunState.RUNNING)
    session.commit()
    looked(session, dag)
    job.dag.default_args["mcp"] = {"priority": "high"}
    run.state = DagRunState.SUCCESS
    run.notify_dagrun_state_changed(msg="success")
    session.expire_all()
    assert (dag.is_stale, dag.has_import_errors) == (True, False)


@pytest.mark.parametrize(("ago", "ended"), [(timedelta(minutes=1), False), (timedelta(minutes=6), True)])
def test_queued_runs_of_a_removed_job_are_ended_after_a_grace(session, dag, job, ago, ended):
    run = job.run("waits")
    dag.last_parsed_time = datetime.now(UTC) - ago
    session.commit()
    assert looked(session, dag) == (True, False)
    run = session.get(DagRun, run.id)
    assert run.state == (DagRunState.FAILED if ended else DagRunState.QUEUED)
    if ended:
        assert "the job crawl was removed before this run started" in run.note


@pytest.mark.parametrize(("stale", "errors"), [(False, False), (True, True)])
def test_other_jobs_are_left_as_they_are(session, dag, job, stale, errors):
    """Those that are there, and those whose DAG file cannot be imported."""
    job.run("active", DagRunState.RUNNING)
    run = job.run("waits")
    dag.is_stale, dag.has_import_errors = stale, errors
    session.commit()
    assert looked(session, dag) == (stale, errors)
    assert session.get(DagRun, run.id).state == DagRunState.QUEUED


def test_what_airflow_does_with_dags_that_are_stale_or_have_import_errors():
    """Runs of a stale DAG stop; one with import errors gets no new runs; a parse takes both marks away."""
    for examined in (DagRun.get_running_dag_runs_to_examine, DagRun.get_queued_dag_runs_to_set_running):
        source = inspect.getsource(examined)
        assert "DagModel.is_stale == false()" in source
        assert "has_import_errors" not in source
    assert "cls.has_import_errors == expression.false()" in inspect.getsource(DagModel.dags_needing_dagruns)
    assert "if dm.has_import_errors:" in inspect.getsource(dag_run_route.trigger_dag_run)
    parsed = inspect.getsource(collection.DagModelOperation.update_dags)
    assert "dm.is_stale = False" in parsed
    assert "dm.has_import_errors = False" in parsed
    errors = inspect.getsource(collection._update_import_errors)
    assert errors.count("is_stale=True") == errors.count("has_import_errors=True") == 1
    for hook in ("on_existing_dag_import_error(", "on_new_dag_import_error("):
        assert f"hook.{hook}" in errors
    stale = inspect.getsource(manager.DagFileProcessorManager.deactivate_stale_dags)
    assert "dag.last_parsed_time + timedelta(seconds=self.stale_dag_threshold) < last_finish_time" in stale
    assert "has_import_errors" not in stale
    handled = inspect.getsource(manager.DagFileProcessorManager.handle_parsing_result)
    assert "@provide_session" in handled, "a scoped session: that of the thread"
    assert "session=session" in handled
