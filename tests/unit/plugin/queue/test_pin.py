"""The version of its DAG that a run keeps from its start."""

import json

import pytest
from airflow.dag_processing.bundles.base import BaseDagBundle, BundleUsageTrackingManager
from airflow.executors.workloads.task import ExecuteTask
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagbag import DBDagBag
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.queue.airflow_internals import dag_bag, is_local
from airflow_mcp_provider.plugin.queue.pin import pin
from airflow_mcp_provider.spec import parse_job, version

FIRST = "plan: {items: [1]}\nrun: {shell: first}"
SAME_TASKS = "plan: {items: [1]}\nrun: {shell: second}"
STEPS = "plan: {items: [1]}\nsteps: [{name: one, run: {shell: x}}]"


LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"
BUNDLES = [
    {"name": "b", "classpath": LOCAL, "kwargs": {}},
    {"name": "s3", "classpath": f"{__name__}.Remote", "kwargs": {}},
]


class Remote(BaseDagBundle):
    """A bundle without versions that fetches the files, as those of S3 and GCS: they refuse each version."""


@pytest.fixture(autouse=True)
def _configured(monkeypatch):
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(BUNDLES))
    dag_bag.cache_clear()
    is_local.cache_clear()
    yield
    is_local.cache_clear()


@pytest.fixture
def write(session):
    """Write a spec as the DAG processor does, and give the number of the version."""

    def write(text):
        spec = parse_job(text, id="crawl")
        lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(build_dag(spec)))
        SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
        session.flush()
        return DagVersion.get_latest_version("crawl", session=session).id

    return write


@pytest.fixture
def run(session, job, write):
    """A run that is queued while its spec is the first one."""
    number = write(FIRST)
    run = job.run("a", DagRunState.RUNNING)
    run.dag, run.created_dag_version_id = dag_bag().get_dag(number, session=session), number
    run.verify_integrity(dag_version_id=number, session=session)
    session.flush()
    return run


def instances(session):
    query = select(TaskInstance.task_id, TaskInstance.dag_version_id).order_by(TaskInstance.task_id)
    return [tuple(row) for row in session.execute(query)]


def name(text):
    return version.name(version.text(parse_job(text, id="crawl")))


def test_a_run_has_the_name_of_its_spec_as_the_version_of_its_bundle(session, run):
    pin(run, 1)
    assert run.bundle_version == name(FIRST)
    assert DBDagBag._version_from_dag_run(run, session=session) == run.created_dag_version_id


@pytest.mark.parametrize(
    ("text", "tasks"), [(SAME_TASKS, ["plan", "report", "run"]), (STEPS, ["one", "plan", "report"])]
)
def test_a_run_starts_with_the_newest_version(session, run, write, text, tasks):
    newest = write(text)
    pin(run, 1)
    session.flush()
    assert (run.bundle_version, run.created_dag_version_id) == (name(text), newest)
    assert instances(session) == [(task, newest) for task in tasks]


@pytest.mark.parametrize(("text", "moves"), [(SAME_TASKS, True), (STEPS, False)])
def test_a_run_that_was_cleared_moves_only_where_the_tasks_are_the_same(session, run, write, text, moves):
    pin(run, 1)
    before = run.created_dag_version_id
    done = session.scalar(select(TaskInstance).where(TaskInstance.task_id == "plan"))
    done.state = TaskInstanceState.SUCCESS
    session.flush()
    newest = write(text)
    pin(run, 1)
    session.flush()
    assert run.created_dag_version_id == (newest if moves else before)
    assert run.bundle_version == name(text if moves else FIRST)
    assert [task for task, _ in instances(session)] == ["plan", "report", "run"]


def test_a_bundle_with_versions_is_left_to_airflow(session, run):
    session.get(DagModel, "crawl").bundle_version = "3c1b6c7ab4"
    session.flush()
    pin(run, 1)
    assert run.bundle_version is None
    run.bundle_version = "3c1b6c7ab4"
    pin(run, 1)
    assert run.bundle_version == "3c1b6c7ab4"


@pytest.mark.parametrize("bundle", ["s3", "not configured here"])
def test_a_run_of_a_bundle_that_may_refuse_a_version_has_none(session, run, bundle):
    pin(run, 1)
    assert run.bundle_version
    session.get(DagModel, "crawl").bundle_name = bundle
    session.flush()
    pin(run, 1)
    assert run.bundle_version is None


def test_what_airflow_does_with_the_version_of_a_runs_bundle():
    """It keeps the version of the DAG, hands the name to the runner, and removes no folder of a bundle without versions."""
    import inspect

    assert "if not dag_run.bundle_version and not self._verify_integrity_if_dag_changed(" in inspect.getsource(
        SchedulerJobRunner._schedule_dag_run
    )
    assert "version=ti.dag_run.bundle_version" in inspect.getsource(ExecuteTask.make)
    stale = inspect.getsource(BundleUsageTrackingManager.remove_stale_bundle_versions)
    assert "if not bundle.supports_versioning:\n                continue" in stale
