"""The event of a job's asset: only for a run that succeeded by itself, and only where another job waits for it."""

import pytest
from airflow.models.asset import AssetActive, AssetDagRunQueue, AssetEvent, AssetModel, DagScheduleAssetReference
from airflow.models.taskinstance import TaskInstance
from airflow.utils.sqlalchemy import prohibit_commit
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select

from airflow_mcp_provider.plugin.schedules.completed import completed
from airflow_mcp_provider.spec.job_asset import name_and_uri


@pytest.fixture
def follow(session, make_job):
    """Make a job that waits for another one."""

    def made(name, first):
        make_job(name)
        asset_name, uri = name_and_uri(first)
        asset = AssetModel(name=asset_name, uri=uri, group="asset", extra={})
        session.add(asset)
        session.flush()
        session.add(AssetActive.for_asset(asset))
        session.add(DagScheduleAssetReference(asset_id=asset.id, dag_id=name))
        session.flush()

    return made


@pytest.fixture
def run(make_job, session):
    job = make_job("crawl")
    run = job.run("r", DagRunState.SUCCESS)
    session.add(
        TaskInstance(job.dag.get_task("report"), dag_version_id=None, run_id="r", state=TaskInstanceState.SUCCESS)
    )
    session.flush()
    return run


def events(session):
    rows = session.scalars(select(AssetEvent)).all()
    queued = session.scalars(select(AssetDagRunQueue.target_dag_id)).all()
    return [(row.source_dag_id, row.source_task_id, row.source_run_id) for row in rows], queued


def test_an_event_in_the_transaction_of_the_scheduler(session, run, follow):
    follow("next", "crawl")
    with prohibit_commit(session) as guard:
        completed(run, "success")
        completed(run, "success")
        guard.commit()
    assert events(session) == ([("crawl", "report", "r")] * 2, ["next"])


@pytest.mark.parametrize("msg", ["DAG run marked success by a user", "task_failure", "timed_out"])
def test_other_ends_make_none(session, run, follow, msg):
    follow("next", "crawl")
    completed(run, msg)
    assert events(session) == ([], [])


def test_a_failed_run_makes_none(session, run, follow):
    follow("next", "crawl")
    run._state = DagRunState.FAILED
    completed(run, "success")
    assert events(session) == ([], [])


def test_a_job_that_nobody_names_makes_none(session, run, follow):
    follow("next", "other")
    completed(run, "success")
    assert events(session) == ([], [])
