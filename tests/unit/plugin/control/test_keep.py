"""``queue.keep``: which ended runs are deleted."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow import settings
from airflow.dag_processing import collection
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.state import DagRunState
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.control import keep
from airflow_mcp_provider.plugin.db import run_end, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.tables import DagRun
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec import parse_job
from airflow_mcp_provider.spec.keep import Keep


@pytest.fixture
def look(session, monkeypatch):
    """Look as the scheduler does, with Airflow's own sessions on the test's database."""
    made = sessionmaker(session.connection(), join_transaction_mode="create_savepoint", expire_on_commit=False)
    monkeypatch.setattr(settings, "NonScopedSession", made)

    def look(retention=None):
        session.commit()
        (retention or keep.Retention()).look()
        session.expire_all()
        return list(session.scalars(select(DagRun.run_id).order_by(DagRun.run_id)))

    return look


def written(session, value, job_id="crawl"):
    spec = f"plan: {{items: [1]}}\nrun: {{shell: x}}\nqueue: {{keep: {value}}}"
    lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(build_dag(parse_job(spec, id=job_id))))
    SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)


def ended(job, name, hours, state=DagRunState.SUCCESS, **more):
    run = job.run(name, state, **more)
    run.end_date = datetime.now(UTC) - timedelta(hours=hours)
    run.created_at = run.end_date
    job.session.flush()
    return run


def ref(run):
    return RunRef(run.id, run.dag_id, run.run_id)


def test_the_newest_are_kept_and_active_ones_do_not_count(job, session, look):
    written(session, 2)
    for hours in range(5):
        ended(job, f"ended_{hours}", hours, DagRunState.FAILED if hours % 2 else DagRunState.SUCCESS)
    job.run("running", DagRunState.RUNNING)
    job.run("queued")
    assert look() == ["ended_0", "ended_1", "queued", "running"]


def test_those_that_are_young_enough_are_kept(job, session, look):
    written(session, "2h")
    for hours in (0, 1, 3, 4):
        ended(job, f"ended_{hours}", hours)
    assert look() == ["ended_0", "ended_1"]


def test_without_the_option_all_are_kept(job, session, look):
    written(session, "null")
    ended(job, "old", 10_000)
    assert look() == ["old"]


def test_in_one_look_all_that_is_too_much_and_not_all_the_time(job, session, look):
    written(session, 1)
    for number in range(2 * keep.PAGE + 5):
        ended(job, f"ended_{number:03}", 1000 - number)
    retention = keep.Retention(interval=600, budget=60)
    assert look(retention) == [f"ended_{2 * keep.PAGE + 4:03}"]
    ended(job, "newer", 0)
    assert len(look(retention)) == 2, "it is not time yet"
    assert look() == ["newer"]


def test_a_look_ends_when_its_time_is_over_and_the_next_goes_on_with_the_other_jobs(make_job, session, look):
    for job_id in ("crawl", "walk"):
        job = make_job(job_id)
        written(session, 1, job_id)
        for hours in (3, 2, 1):
            ended(job, f"{job_id}_{hours}", hours)
    retention = keep.Retention(budget=0)
    assert look(retention) == ["crawl_1", "crawl_2", "walk_1", "walk_2", "walk_3"]
    assert look(retention) == ["crawl_1", "crawl_2", "walk_1", "walk_2"]
    assert look(retention) == ["crawl_1", "walk_1", "walk_2"]
    assert look(retention) == ["crawl_1", "walk_1"]


def test_those_that_a_subtask_waits_for_do_not_stop_the_others(make_job, session, look):
    job = make_job()
    written(session, 1)
    caller = make_job("caller").run("caller", DagRunState.RUNNING)
    for number in range(keep.PAGE + 5):
        run = ended(job, f"awaited_{number:02}", 1000 - number)
        value = {"run": caller.id, "task_id": "run", "map_index": number}
        state_store.write(session, ref(run), PLAN, -1, store_keys.CALLER, value)
    for hours in (3, 2, 1):
        ended(job, f"ended_{hours}", hours)
    retention = keep.Retention(budget=0)
    for _ in range(keep.PAGE + 10):
        left = look(retention)
    assert [name for name in left if name.startswith("ended")] == ["ended_1"]
    assert len(left) == keep.PAGE + 5 + 2, "and those are kept"


def test_what_the_rate_counts_is_kept(job, session, look):
    written(session, "1, rate: 10/h")
    for minutes in (90, 70, 50, 10, 5):
        ended(job, f"ended_{minutes}", minutes / 60)
    assert look() == ["ended_10", "ended_5", "ended_50"]


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
def test_the_run_is_kept_after_which_airflow_makes_the_next_scheduled_one(job, session, look, run_type):
    written(session, "1h")
    now = datetime.now(UTC)
    for days in (5, 4, 3):
        ended(job, f"scheduled_{days}", days, run_type="scheduled").logical_date = now - timedelta(days=days)
    latest = ended(job, "latest", 99, run_type=run_type)
    latest.logical_date, latest.run_after = now - timedelta(days=2), now - timedelta(days=100)
    ended(job, "manual", 2).logical_date = now
    session.flush()
    assert look() == ["latest"]
    assert session.scalar(collection._get_latest_runs_stmt("crawl")).run_id == "latest", "as Airflow looks for it"


@pytest.mark.parametrize("state", ["running", "restarting", "queued"])
def test_a_run_whose_tasks_may_work_is_kept(job, session, look, state):
    written(session, "1h")
    run = ended(job, "old", 2)
    session.add(TaskInstance(run.dag.get_task("plan"), dag_version_id=None, run_id="old", state=state))
    session.flush()
    assert look() == ["old"]


def test_a_run_whose_processes_are_ending_is_kept(job, session, look):
    written(session, "1h")
    run = ended(job, "old", 2)
    until = datetime.now(UTC) + timedelta(hours=1)
    run_end.put(session.connection(), ref(run), End(Reason.CANCELLED, "x", until=until))
    assert look() == ["old"]


@pytest.mark.parametrize(("state", "left"), [("running", ["caller", "subtask__1"]), ("success", ["caller"])])
def test_a_run_that_a_subtask_waits_for_is_kept(make_job, session, look, state, left):
    job = make_job()
    written(session, "1h")
    caller = make_job("caller").run("caller", DagRunState(state))
    run = ended(job, "subtask__1", 2)
    value = {"run": caller.id, "task_id": "run", "map_index": 0}
    state_store.write(session, ref(run), PLAN, -1, store_keys.CALLER, value)
    assert look() == left


def test_the_oldest_go_first(job, session):
    for hours in (1, 3, 2):
        ended(job, f"ended_{hours}", hours)
    found = session.execute(keep.surplus("crawl", keep.Rule(Keep(count=1)))).all()
    assert [row.run_id for row in found] == ["ended_3", "ended_2"]
