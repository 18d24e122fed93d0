"""The order of the queue, its timeouts, and runs that are ended from outside: on a real Airflow, seen through REST."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration import overlaps
from tests.sizes import CALM, patient

LOOK = 1.0
QUEUE = round(patient(6))
"""Seconds that a run of ``hasty`` may wait: enough for one that need not."""


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
        "AIRFLOW__MCP__QUEUE_LOOK_INTERVAL": str(LOOK),
        "AIRFLOW__MCP__END_GRACE": str(patient(8)),
        "GATE_QUEUE": f"{QUEUE}s",
    }
    with Embedded(dags=overlaps.DAGS, env=env) as embedded:
        for job in ("lane_0", "lane_1", "lane_2", "lane_3", "hasty", "brief", "urgent"):
            embedded.api.wait_for_dag(job)
        yield embedded


@pytest.fixture
def go(tmp_path):
    """The file for which the work of a run waits that has it in its conf."""
    return tmp_path / "go"


def order(record: Path, job: str) -> list[str]:
    return [span.run for span in overlaps.spans(overlaps.read(record), []) if span.job == job]


def together(record: Path, job: str) -> list[tuple[overlaps.Span, overlaps.Span]]:
    spans = [span for span in overlaps.spans(overlaps.read(record), []) if span.job == job]
    return overlaps.Result(0, overlaps.Counter(), spans, 0).overlaps


def until(condition, seconds: float = 60):
    end = time.monotonic() + patient(seconds)
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
    return found


def running(airflow, job, run):
    return until(lambda: airflow.api.run(job, run)["state"] == "running")


def begun(record: Path, job: str, run: str, task: str):
    lines = overlaps.read(record)
    return [
        one for one in lines if (one["job"], one["run"], one["task"]) == (job, run, task) and one["what"] == "begin"
    ]


def states(airflow, job, run):
    return {row["task_id"]: row["state"] for row in airflow.api.task_instances(job, run)}


def test_higher_priority_goes_first_then_first_come_and_none_before_its_time(airflow, record, go):
    holder = airflow.api.trigger("lane_0", {"file": str(go)})
    running(airflow, "lane_0", holder)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    later = airflow.api.trigger("lane_0", {"mcp_priority": 1000}, run_after=tomorrow)
    a, b, c, d, e = (
        airflow.api.trigger("lane_0", conf)
        for conf in ({}, {"mcp_priority": 7}, {}, {"mcp_priority": 7}, {"mcp_priority": -1})
    )
    go.touch()
    for run in (a, b, c, d, e):
        assert airflow.api.wait("lane_0", run)["state"] == "success"
    assert order(record, "lane_0") == [holder, b, d, a, c, e]
    assert airflow.api.run("lane_0", later)["state"] == "queued"
    assert airflow.api.run("lane_0", later)["note"] is None, "it does not wait: its time has not come"
    assert not together(record, "lane_0")


def test_a_waiting_run_says_which_run_has_the_slot_until_it_starts(airflow, go):
    holder = airflow.api.trigger("lane_1", {"file": str(go)})
    running(airflow, "lane_1", holder)
    waits, told = airflow.api.trigger("lane_1"), airflow.api.trigger("lane_1", note="for the auditors")
    until(lambda: airflow.api.run("lane_1", waits)["note"] == f"waiting: {holder} is running")
    assert airflow.api.run("lane_1", told)["note"] == "for the auditors"
    assert airflow.api.run("lane_1", holder)["note"] is None
    go.touch()
    airflow.api.wait("lane_1", told)
    assert airflow.api.run("lane_1", waits)["note"] is None
    assert airflow.api.run("lane_1", told)["note"] == "for the auditors"


def test_a_priority_that_is_none_ends_the_run_with_the_reason(airflow, record):
    run = airflow.api.trigger("lane_1", {"mcp_priority": "high"})
    ended = airflow.api.wait("lane_1", run)
    assert (ended["state"], ended["note"]) == (
        "failed",
        "failed: invalid mcp_priority high in the run's conf; expected -1000 to 1000",
    )
    assert set(states(airflow, "lane_1", run).values()) == {"skipped"}
    assert run not in order(record, "lane_1")


def test_a_run_that_waited_too_long_fails_unstarted_while_another_has_the_slot(airflow, record, go):
    holder = airflow.api.trigger("hasty", {"file": str(go)})
    running(airflow, "hasty", holder)
    run = airflow.api.trigger("hasty")
    ended = airflow.api.wait("hasty", run)
    assert ended["state"] == "failed"
    assert ended["note"] == f"failed: timeouts.queue ({QUEUE}s) passed before the run could start"
    assert airflow.api.run("hasty", holder)["state"] == "running", "nobody called the gate for the run"
    assert set(states(airflow, "hasty", run).values()) == {"skipped"}
    waited = datetime.fromisoformat(ended["end_date"]) - datetime.fromisoformat(ended["queued_at"])
    assert waited >= timedelta(seconds=QUEUE)
    go.touch()
    assert airflow.api.wait("hasty", holder)["state"] == "success"
    assert run not in order(record, "hasty")
    assert airflow.api.clear("hasty", run)
    assert airflow.api.wait("hasty", run)["state"] == "success", "cleared, its waiting begins anew"
    assert airflow.api.run("hasty", run)["note"] is None


def gone(process: int) -> bool:
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def next_starts_when_all_is_gone(airflow, record, job, first, second):
    process = begun(record, job, first, "run 0")[0]["process"]
    until(lambda: begun(record, job, second, "plan") or gone(process), 40)
    assert gone(process), "the next run began while the ended one still worked"
    assert airflow.api.wait(job, second)["state"] == "success"


def test_a_run_that_takes_too_long_ends_as_its_user_expects(airflow, record):
    first = airflow.api.trigger("brief", {"seconds": 600})
    until(lambda: begun(record, "brief", first, "run 0"))
    second = airflow.api.trigger("brief")
    older = "UPDATE dag_run SET start_date = start_date - interval '10 minutes' WHERE dag_id = 'brief' AND run_id = %s"
    airflow.sql(older, first)
    ended = airflow.api.wait("brief", first)
    assert ended["state"] == "failed"
    assert ended["note"] == "failed: timeouts.run (10m) passed: 1 running tasks were ended, 1 were not started"
    assert states(airflow, "brief", first) == {"plan": "success", "run": "failed", "report": "skipped"}
    assert all(row["end_date"] for row in airflow.api.task_instances("brief", first))
    next_starts_when_all_is_gone(airflow, record, "brief", first, second)


def test_a_run_that_is_cancelled_keeps_the_slot_until_its_processes_are_gone(airflow, record):
    first = airflow.api.trigger("lane_2", {"seconds": 600})
    until(lambda: begun(record, "lane_2", first, "run 0"))
    second = airflow.api.trigger("lane_2")
    airflow.api.cancel("lane_2", first)
    note = until(
        lambda: (airflow.api.run("lane_2", second)["note"] or "").startswith(f"waiting: {first} was ended"), 20
    )
    assert note
    next_starts_when_all_is_gone(airflow, record, "lane_2", first, second)


def test_a_cleared_run_waits_for_its_turn(airflow, record, go):
    old = airflow.api.trigger("lane_3")
    airflow.api.wait("lane_3", old)
    new = airflow.api.trigger("lane_3", {"file": str(go)})
    running(airflow, "lane_3", new)
    airflow.api.clear("lane_3", old)
    waits = airflow.api.trigger("lane_3")
    go.touch()
    assert airflow.api.wait("lane_3", old)["state"] == "success"
    assert airflow.api.wait("lane_3", waits)["state"] == "success"
    assert order(record, "lane_3").count(old) == 2
    assert not together(record, "lane_3")


def test_a_backfill_does_not_wait_for_another_job_whose_slot_is_taken(airflow):
    """Airflow takes the five queued runs of a backfill with the lowest ordinals, and all of them are lane_3's."""
    dates = {"from_date": "2020-02-01T00:00:00Z", "to_date": "2020-02-07T00:00:00Z", "max_active_runs": 1}
    holder = airflow.api.trigger("lane_3", {"seconds": 3600})
    running(airflow, "lane_3", holder)
    airflow.api.post("/backfills", {"dag_id": "lane_3", **dates})
    airflow.api.post("/backfills", {"dag_id": "urgent", **dates, "dag_run_conf": {"seconds": 0}})
    ended = "SELECT count(*) FROM dag_run WHERE dag_id = 'urgent' AND state = 'success'"
    until(lambda: airflow.sql(ended) == [(7,)], 90)
    assert airflow.api.run("lane_3", holder)["state"] == "running"
    airflow.api.cancel("lane_3", holder)


def test_a_plain_dag_is_left_alone(airflow):
    runs = [airflow.api.trigger("plain") for _ in range(3)]
    assert all(airflow.api.wait("plain", run)["state"] == "success" for run in runs)
    assert all(airflow.api.run("plain", run)["note"] is None for run in runs)


def test_the_scheduler_reported_no_error(airflow):
    assert overlaps.errors(airflow) == []
    assert overlaps.deadlocks(airflow) == 0
