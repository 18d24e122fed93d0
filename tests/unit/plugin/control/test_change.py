"""Priority, parallelism, pause and removal, as the API server does them."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.dag import DagModel
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.state import DagRunState
from sqlalchemy import func, select

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.control import change
from airflow_mcp_provider.plugin.control.refused import ControlRefused
from airflow_mcp_provider.plugin.db import run_end
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.db.tables import DagRun, Log, Store
from airflow_mcp_provider.plugin.queue import parallelism
from airflow_mcp_provider.spec import parse_job


@pytest.fixture
def job(make_job, session):
    made = make_job()
    dag = build_dag(parse_job("plan: {items: [1]}\nrun: {shell: x}\nsubtasks: {parallelism: 7}", id="crawl"))
    lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(dag))
    SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
    return made


def limit(session):
    return session.scalar(select(DagModel.max_active_tasks))


def test_a_queued_run_gets_another_priority(job, session):
    run = job.run("a", conf={"url": "x"})
    change._set_priority("crawl", "a", -3, session)
    session.flush()
    session.refresh(run)
    assert run.conf == {"url": "x", "mcp_priority": -3}


@pytest.mark.parametrize("state", [DagRunState.RUNNING, DagRunState.SUCCESS])
def test_another_run_has_no_priority(job, session, state):
    job.run("a", state)
    with pytest.raises(ControlRefused, match=f"run a of job crawl is {state}; only a queued run has a priority"):
        change._set_priority("crawl", "a", 1, session)


def test_a_running_run_gets_another_parallelism_at_once(job, session):
    job.run("a", DagRunState.RUNNING)
    change._set_parallelism("crawl", "a", 3, session)
    assert limit(session) == 3
    change._set_parallelism("crawl", "a", None, session)
    assert limit(session) == 7
    assert session.scalar(select(func.count()).select_from(Store)) == 0


def test_a_queued_run_gets_it_when_it_starts(job, session):
    run = job.run("a")
    before = limit(session)
    change._set_parallelism("crawl", "a", 3, session)
    assert limit(session) == before
    assert parallelism.of_run(session.connection(), run.id) == 3


def test_an_ended_run_has_no_parallelism(job, session):
    job.run("a", DagRunState.SUCCESS)
    with pytest.raises(ControlRefused, match="has ended"):
        change._set_parallelism("crawl", "a", 3, session)


def test_a_parse_of_the_dag_file_leaves_the_parallelism_of_the_running_run(job, session):
    job.run("a", DagRunState.RUNNING)
    change._set_parallelism("crawl", "a", 3, session)
    session.expire_all()

    def parsed(wanted):
        session.get(DagModel, "crawl").max_active_tasks = wanted
        session.flush()
        session.expire_all()
        return limit(session)

    assert parsed(16) == 3
    change._set_parallelism("crawl", "a", None, session)
    assert parsed(16) == 16


def test_a_job_is_paused_and_resumed(job, session):
    paused = select(DagModel.is_paused)
    change._set_paused("crawl", session, paused=True)
    assert session.scalar(paused) is True
    change._set_paused("crawl", session, paused=False)
    assert session.scalar(paused) is False


def test_a_dag_that_is_no_job_is_not_found(session):
    with pytest.raises(ControlRefused, match="job plain does not exist") as error:
        change._set_paused("plain", session, paused=True)
    assert (error.value.status_code, error.value.kind) == (404, "not_found")


def test_an_ended_run_is_deleted_and_an_active_one_is_not(job, session):
    job.run("a", DagRunState.SUCCESS)
    job.run("b", DagRunState.RUNNING)
    change._remove("crawl", "a", session)
    with pytest.raises(ControlRefused, match="run b of job crawl has not ended; cancel it first"):
        change._remove("crawl", "b", session)
    assert list(session.scalars(select(DagRun.run_id))) == ["b"]


@pytest.mark.parametrize("cleared", [0, 1])
def test_a_run_whose_processes_may_clean_up_is_not_deleted(job, session, cleared):
    run = job.run("a", DagRunState.FAILED)
    later = datetime.now(UTC) + timedelta(hours=1)
    run_end.put(session.connection(), RunRef(run.id, "crawl", "a"), End(Reason.CANCELLED, "x", until=later))
    run.clear_number += cleared
    session.flush()
    with pytest.raises(ControlRefused, match="processes of run a of job crawl may work until") as error:
        change._remove("crawl", "a", session)
    assert (error.value.status_code, error.value.kind) == (409, "ending")


def test_a_run_whose_tasks_work_keeps_the_slot_when_it_is_deleted(job, session):
    run = job.run("a", DagRunState.FAILED)
    session.add(TaskInstance(run.dag.get_task("plan"), dag_version_id=None, run_id="a", state="running"))
    session.flush()
    change._remove("crawl", "a", session)
    assert list(session.scalars(select(Log.run_id).where(Log.event == run_end.HELD))) == ["a"]
