"""When the gate itself fails: the run stays queued, the error is told, other work goes on, the scheduler lives."""

import contextlib
import os
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlparse

import psycopg2
import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration import overlaps
from tests.integration.test_gate_queue import until
from tests.sizes import CALM, patient


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    record = tmp_path_factory.mktemp("gate") / "record"
    record.touch()
    with Embedded(dags=overlaps.DAGS, env={**overlaps.environment(record, 2, gate=True), **CALM}) as embedded:
        for dag in ("lane_0", "lane_1", "urgent", "plain"):
            embedded.api.wait_for_dag(dag)
        yield embedded


@contextlib.contextmanager
def locked(airflow, statement):
    """Another session of the database holds a lock."""
    url = airflow.environment()["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    connection = psycopg2.connect(host=parse_qs(urlparse(url).query)["host"][0], user="postgres")
    try:
        connection.cursor().execute(statement)
        yield
    finally:
        connection.close()


def log(airflow) -> str:
    return (airflow.folder / "logs" / "scheduler-1.log").read_text("utf-8", "replace")


def state(airflow, job, run):
    return airflow.sql("SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s", job, run)[0][0]


def stays_queued(airflow, job, run, seconds=3):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert state(airflow, job, run) == "queued"
        time.sleep(0.1)


def pause(airflow, dag, *, paused):
    airflow.sql("UPDATE dag SET is_paused = %s WHERE dag_id = %s", paused, dag)


@contextlib.contextmanager
def notes_locked(airflow, *dags):
    """Nobody can read or write a run's note, which REST does with each answer: the runs are made before."""
    for dag in dags:
        pause(airflow, dag, paused=True)
    runs = [airflow.api.trigger(dag) for dag in dags]
    with locked(airflow, "LOCK TABLE dag_run_note IN ACCESS EXCLUSIVE MODE"):
        for dag in dags:
            pause(airflow, dag, paused=False)
        yield runs


def goes_on(airflow, dag, run=None):
    run = run or airflow.api.trigger(dag)
    until(lambda: state(airflow, dag, run) == "success")
    airflow.processes.check()  # the scheduler lives


def test_the_jobs_row_is_locked_by_somebody_else(airflow):
    with locked(airflow, "SELECT * FROM dag WHERE dag_id = 'lane_0' FOR UPDATE"):
        run = airflow.api.trigger("lane_0")
        goes_on(airflow, "lane_1")
        stays_queued(airflow, "lane_0", run)
        until(lambda: "the DagModel row of the job is locked" in log(airflow))
    assert airflow.api.wait("lane_0", run)["state"] == "success"


def test_a_decision_runs_into_the_lock_timeout(airflow):
    """A real error of the database in the middle of the scheduler's transaction, which then goes on."""
    with notes_locked(airflow, "lane_0", "plain") as (run, plain):
        goes_on(airflow, "plain", plain)
        stays_queued(airflow, "lane_0", run)
        until(lambda: "canceling statement due to lock timeout" in log(airflow))
    assert airflow.api.wait("lane_0", run)["state"] == "success"


def test_a_marker_is_broken(airflow):
    """In the serialized DAG, before the scheduler has read it."""
    path = "{dag,default_args,__var,mcp,__var,priority}"
    airflow.sql("UPDATE serialized_dag SET data = jsonb_set(data::jsonb, %s, '\"high\"') WHERE dag_id = 'urgent'", path)
    run = airflow.api.trigger("urgent")
    note = until(lambda: airflow.api.run("urgent", run)["note"])
    assert note.startswith(
        "waiting: the gate failed and will retry: ValueError: invalid marker of a job in the serialized DAG"
    )
    goes_on(airflow, "lane_1")
    stays_queued(airflow, "urgent", run)
    told = [line for line in log(airflow).splitlines() if "error    ] gate" in line and "job=urgent" in line]
    assert len(told) == 1, "and not in every loop of the scheduler"
    airflow.api.cancel("urgent", run)


def test_the_connection_of_a_decision_is_cut(airflow):
    """Airflow's scheduler does not survive that by itself: what counts is that nothing started."""
    with notes_locked(airflow, "lane_0") as (run,):
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%dag_run_note%'"
        pid = until(lambda: airflow.sql(waits))[0][0]
        airflow.sql("SELECT pg_terminate_backend(%s)", pid)
        stays_queued(airflow, "lane_0", run)
    airflow.start("scheduler-1")
    assert airflow.api.wait("lane_0", run)["state"] == "success"


def test_a_scheduler_with_wrong_settings_says_so_and_does_not_start(airflow):
    env = {**airflow.environment(), "AIRFLOW__MCP__END_GRACE": "soon"}
    command = [sys.executable, "-m", "airflow", "scheduler", "--skip-serve-logs"]
    limit = patient(120)
    done = subprocess.run(
        command, check=False, env={**os.environ, **env}, capture_output=True, text=True, timeout=limit
    )
    assert done.returncode != 0
    told = "invalid value 'soon' of [mcp] end_grace (AIRFLOW__MCP__END_GRACE); expected seconds from 0 to 3600"
    assert told in done.stdout + done.stderr
