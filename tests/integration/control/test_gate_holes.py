"""The slot of a job is not given away by what a user does to a run that works: as the tasks wrote it down themselves."""

import signal
import time
from contextlib import suppress
from itertools import combinations

import psutil
import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration import overlaps
from tests.integration.control.conftest import until
from tests.integration.test_gate_queue import begun
from tests.sizes import CALM, patient

BEATS = round(patient(6))
"""Seconds without a heartbeat after which a runner is given up here."""

AWAKE_AFTER = 5
"""Seconds in which the next run would begin, if the slot were free; fewer than the end_grace of these tests."""


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    file = tmp_path_factory.mktemp("gate") / "record"
    file.touch()
    return file


@pytest.fixture(scope="module")
def airflow(record):
    env = {
        **overlaps.environment(record, 4, gate=True),
        **CALM,
        "AIRFLOW__MCP__QUEUE_LOOK_INTERVAL": "1",
        "AIRFLOW__MCP__END_GRACE": str(patient(10)),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(BEATS),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "3",
    }
    with Embedded(dags=overlaps.DAGS, env=env) as embedded:
        for job in ("lane_0", "lane_1", "lane_2", "lane_3"):
            embedded.api.wait_for_dag(job)
        yield embedded


def working(airflow, record, job, seconds, file=""):
    run = airflow.api.trigger(job, {"seconds": seconds, "file": str(file)})
    until(lambda: begun(record, job, run, "run 0"))
    return run


def test_a_run_that_is_set_back_to_queued_while_its_subtask_works(airflow, record, tmp_path):
    run = working(airflow, record, "lane_0", 0, go := tmp_path / "go")
    other = airflow.api.trigger("lane_0", {"mcp_priority": 9})
    airflow.api.patch(f"/dags/lane_0/dagRuns/{run}", {"state": "queued"})
    time.sleep(AWAKE_AFTER)
    go.touch()
    for one in (other, run):
        assert airflow.api.wait("lane_0", one)["state"] == "success"
    assert not at_once(record, "lane_0")


def test_a_cancelled_run_that_is_cleared_within_its_grace(airflow, record):
    run = working(airflow, record, "lane_1", 600)
    old = begun(record, "lane_1", run, "run 0")[0]["process"]
    other = airflow.api.trigger("lane_1", {"mcp_priority": 9, "watched": [old]})
    airflow.api.cancel("lane_1", run)
    airflow.sql("UPDATE dag_run SET conf = '{\"seconds\": 0.1}' WHERE dag_id = 'lane_1' AND run_id = %s", run)
    airflow.api.clear("lane_1", run)
    for one in (other, run):
        assert airflow.api.wait("lane_1", one)["state"] == "success"
    assert begun(record, "lane_1", other, "plan")[0]["beside"] == []


def test_a_cancelled_run_that_is_deleted_within_its_grace(airflow, record):
    run = working(airflow, record, "lane_2", 600)
    old = begun(record, "lane_2", run, "run 0")[0]["process"]
    other = airflow.api.trigger("lane_2", {"watched": [old]})
    airflow.api.cancel("lane_2", run)
    airflow.api.delete(f"/dags/lane_2/dagRuns/{run}")
    assert airflow.api.wait("lane_2", other)["state"] == "success"
    assert begun(record, "lane_2", other, "plan")[0]["beside"] == []


def test_a_runner_that_was_given_up_and_wakes(airflow, record, tmp_path):
    """It is stopped with all that it has, as on a host that hangs, and goes on when it was given up twice."""
    run = working(airflow, record, "lane_3", 0, go := tmp_path / "go")
    stopped = [stop(airflow, begun(record, "lane_3", run, "run 0")[0]["process"])]
    until(lambda: len(begun(record, "lane_3", run, "run 0")) == 2)
    stopped.append(stop(airflow, begun(record, "lane_3", run, "run 0")[1]["process"]))
    other = airflow.api.trigger("lane_3")
    until(lambda: airflow.api.run("lane_3", run)["state"] == "failed")
    time.sleep(AWAKE_AFTER)
    go.touch()
    for tree in stopped:
        resume(tree)
    assert airflow.api.wait("lane_3", other)["state"] == "success"
    outcome = "SELECT value FROM task_state_store WHERE dag_id = 'lane_3' AND run_id = %s AND key = 'mcp.outcome'"
    assert airflow.sql(outcome, run) == [], "what a runner says that was given up does not count"
    begin = first_begin(record, "lane_3", other)
    ends = [
        one for one in overlaps.read(record) if one["run"] == run and one["task"] == "run 0" and one["what"] == "end"
    ]
    assert not [one for one in ends if one["at"] > begin], "its work went on beside the next run"


def stop(airflow, work):
    """Stop the process of the work, the runner above it, and the supervisor."""
    tree = [*psutil.Process(work).parents()[:2][::-1], psutil.Process(work)]
    for one in tree:
        one.send_signal(signal.SIGSTOP)
    return tree


def resume(tree):
    for one in tree:
        with suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGCONT)


def first_begin(record, job, run):
    return min(one["at"] for one in overlaps.read(record) if one["job"] == job and one["run"] == run)


def at_once(record, job):
    """Pairs of tasks of different runs that worked at the same time."""
    begins, works = {}, []
    for line in (one for one in overlaps.read(record) if one["job"] == job):
        name = line["run"], line["task"], line["process"]
        if line["what"] == "begin":
            begins[name] = line["at"]
        else:
            works.append(overlaps.Span(job, line["run"], begins.pop(name), line["at"]))
    return [pair for pair in combinations(works, 2) if pair[0].overlaps(pair[1])]
