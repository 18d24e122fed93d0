"""The scheduler's regular look: what goes wrong at one job, or one run, keeps nobody else from being looked at."""

import pytest
from airflow import settings
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import text
from sqlalchemy.orm import sessionmaker

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.child_runs import cancel_abandoned
from airflow_mcp_provider.plugin.db import state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.queue.monitor import AT_ONCE
from airflow_mcp_provider.plugin.scheduler import Monitors
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec import parse_job
from tests.unit.plugin.conftest import SETTINGS

GONE = {"run": 9_999, "task_id": "run", "map_index": 0}
DAMAGED = [5, {"run": "x"}, [], {"run": True, "task_id": 1, "map_index": 0}, {**GONE, "run": 10**30}, "x" * 100_000]


@pytest.fixture
def look(session, monkeypatch):
    """Look as the watch does, with Airflow's own sessions on the test's database."""
    made = sessionmaker(session.connection(), join_transaction_mode="create_savepoint", expire_on_commit=False)
    monkeypatch.setattr(settings, "NonScopedSession", made)

    def look():
        session.commit()
        Monitors(SETTINGS).look()
        session.expire_all()

    return look


@pytest.fixture
def waiting(session, make_job):
    """Of three jobs a run that waits behind another; the DAG processor has written their DAGs."""

    def made(name):
        job = make_job(name)
        session.flush()
        written(session, name)
        job.run("active", DagRunState.RUNNING)
        return job.run("waits")

    return {name: made(name) for name in "abc"}


def written(session, name):
    dag = build_dag(parse_job("plan: {items: [1]}\nrun: {shell: x}", id=name))
    lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(dag))
    SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)


def notes_of(session, runs):
    query = text("SELECT content FROM dag_run_note WHERE dag_run_id = :run")
    return {name: session.scalar(query, {"run": run.id}) for name, run in runs.items()}


def called(session, run, caller):
    """Make a run one that was made for a subtask, with a task that works."""
    state_store.write(session, RunRef(run.id, run.dag_id, run.run_id), PLAN, -1, store_keys.CALLER, caller)
    one = TaskInstance(run.dag.get_task("plan"), run_id=run.run_id, dag_version_id=None)
    one.state = TaskInstanceState.RUNNING
    session.add(one)
    session.flush()


def test_all_are_told_what_they_wait_for(session, waiting, look):
    look()
    assert set(notes_of(session, waiting).values()) == {"waiting: active is running"}


def test_the_notes_of_a_deep_queue_are_written_a_few_at_a_time(session, make_job, look):
    job = make_job("a")
    session.flush()
    written(session, "a")
    job.run("active", DagRunState.RUNNING)
    for number in range(AT_ONCE + 5):
        job.run(f"waits-{number}")
    count = text("SELECT count(*) FROM dag_run_note")
    look()
    assert session.scalar(count) == AT_ONCE
    look()
    assert session.scalar(count) == AT_ONCE + 5


def test_a_fault_at_one_job_leaves_the_others_their_look(session, waiting, look):
    fault = f"""CREATE TRIGGER fault BEFORE INSERT ON dag_run_note WHEN NEW.dag_run_id = {waiting["a"].id}
        BEGIN SELECT RAISE(ABORT, 'a row of this job is damaged'); END"""
    session.execute(text(fault))
    look()
    told = "waiting: active is running"
    assert notes_of(session, waiting) == {"a": None, "b": told, "c": told}


@pytest.mark.parametrize("damaged", [{"mcp": 5}, {"mcp": {"priority": "x"}}, {"mcp": {"priority": 0, "calls": 5}}, 5])
def test_a_broken_marker_leaves_the_others_their_look(session, waiting, look, damaged):
    row = session.query(SerializedDagModel).filter_by(dag_id="a").one()
    row._data = {**row.data, "dag": {**row.data["dag"], "default_args": damaged}}
    session.flush()
    look()
    told = "waiting: active is running"
    assert notes_of(session, waiting) == {"a": None, "b": told, "c": told}


@pytest.mark.parametrize("damaged", DAMAGED, ids=lambda one: f"{one!r:.20}")
def test_a_damaged_caller_keeps_no_abandoned_run_alive(session, make_job, look, damaged):
    callees = {name: make_job(name) for name in ("calls", "callee")}
    session.flush()
    for name in callees:
        written(session, name)
    runs = [callees["calls"].run("subtask__a", DagRunState.RUNNING), callees["callee"].run("subtask__b", "running")]
    runs.append(callees["callee"].run("manual__c", DagRunState.RUNNING))
    for run, caller in zip(runs, (damaged, GONE, GONE), strict=True):
        called(session, run, caller)
    look()
    for run in runs:
        session.refresh(run)
    assert [run.state for run in runs] == ["running", "failed", "running"]
    assert runs[1].note == f"cancelled: {cancel_abandoned.REASON}"
    assert [run.get_task_instance("plan", session=session).state for run in runs] == ["running", "failed", "running"]


def test_a_fault_of_the_queue_ends_no_look_at_the_called_runs(session, make_job, look):
    job = make_job("callee")
    session.flush()
    written(session, "callee")
    run = job.run("subtask__b", DagRunState.RUNNING)
    called(session, run, GONE)
    session.execute(text("ALTER TABLE backfill RENAME TO gone"))
    look()
    session.execute(text("ALTER TABLE gone RENAME TO backfill"))
    session.refresh(run)
    assert run.state == DagRunState.FAILED
