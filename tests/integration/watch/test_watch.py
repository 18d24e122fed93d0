"""Watches on a real Airflow: no run without work, one at a time with work, and nothing is lost with the triggerer."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates import redis_server
from tests.integration.watch.watching import document, overlapping, runs, subtasks, until
from tests.sizes import FULL

EMPTY = 300 if FULL else 15
FILES = 120 if FULL else 12
SHARE = 4
FAILING = {
    "raises": "ValueError: the inbox is on fire",
    "hangs": "did not end within timeout 2s",
    "floods": "more than 65536 bytes",
}


def test_no_run_without_work_and_errors_are_shown(airflow: Embedded, inbox: Path, redis_url: str) -> None:
    jobs = ("files", "second", "messages")
    checked = {
        job: until(lambda job=job: document(airflow, job)["watch"]["last_check"], 60, f"check of {job}") for job in jobs
    }
    time.sleep(EMPTY)
    assert {job: runs(airflow, job) for job in (*jobs, *FAILING)} == {job: [] for job in (*jobs, *FAILING)}
    for job in jobs:
        watch = document(airflow, job)["watch"]
        assert (watch["error"], watch["pending"], watch["problem"]) == (None, False, None)
        assert watch["last_check"] >= checked[job]
    for job, error in FAILING.items():
        watch = until(lambda job=job, error=error: failed(airflow, job, error), 60, f"an error of {job}")
        assert watch["problem"] is None
    log = airflow.processes.log("triggerer").read_text()
    started = log.count("starting")
    assert started < 40, "Airflow starts no trigger again and again"


def failed(airflow: Embedded, job: str, error: str) -> dict[str, Any] | None:
    """The status of a watch, when a check has failed with this error."""
    watch: dict[str, Any] | None = document(airflow, job)["watch"]
    return watch if watch and error in (watch["error"] or "") else None


def test_runs_one_at_a_time_and_a_killed_triggerer_loses_nothing(
    airflow: Embedded, inbox: Path, redis_url: str
) -> None:
    server = redis_server.client(redis_url)
    names = [f"{number:04}.txt" for number in range(FILES)]
    for name in names:
        (inbox / "files" / name).write_text(name)
        (inbox / "second" / name).write_text(name)
        server.lpush("messages", name)
    jobs = ("files", "second", "messages")
    until(lambda: any(runs(airflow, job) for job in jobs), 60, "a run")
    airflow.kill("triggerer")
    time.sleep(2)
    airflow.start("triggerer")

    def left() -> int:
        files = sum(len(list((inbox / job).glob("*.txt"))) for job in ("files", "second"))
        return files + FILES - int(str(server.llen("done")))

    until(lambda: left() == 0, 3 * 60 if not FULL else 1800, "all work done")
    until(lambda: all(run[0] == "success" for job in jobs for run in runs(airflow, job)), 30, "end of the runs")
    assert sorted(text.decode() for text in server.lrange("done", 0, -1)) == names, "each message once"
    for job in jobs:
        found = runs(airflow, job)
        assert overlapping(found) == []
        works = subtasks(airflow, job)
        assert sum(works.values()) == FILES
        assert len(found) == len(works) <= FILES // SHARE + 1, "no run without work"
        assert all(run.startswith("asset_triggered__") for _, run, _, _ in found)
    number = {job: len(runs(airflow, job)) for job in jobs}
    time.sleep(6)
    assert {job: len(runs(airflow, job)) for job in jobs} == number, "no run after the last work"
    confs = [row[0] for row in airflow.sql("SELECT conf FROM dag_run WHERE dag_id = 'files' ORDER BY id LIMIT 1")]
    assert confs[0] == {"first": names[0]}


def test_two_jobs_with_the_same_check_both_get_a_run(airflow: Embedded, inbox: Path) -> None:
    (inbox / "same.txt").touch()
    jobs = ("same_one", "same_other")
    until(lambda: all(runs(airflow, job) for job in jobs), 60, "a run of both")
    (inbox / "same.txt").unlink()
    confs = {row[0]: row[1] for row in airflow.sql("SELECT dag_id, conf FROM dag_run WHERE dag_id LIKE 'same_%'")}
    assert confs == {job: {"from_spec": True} for job in jobs}
    until(lambda: all(one[0] == "success" for job in jobs for one in runs(airflow, job)), 60, "the end of the runs")


def check(airflow: Embedded) -> dict[str, object] | None:
    command = [sys.executable, "-m", "airflow", "mcp", "check", "-o", "json"]
    out = subprocess.run(command, env=airflow.environment(), capture_output=True, text=True, check=False).stdout
    return next((one for one in json.loads(out[out.index("[") :]) if one["name"] == "Triggerer"), None)


def test_without_a_triggerer_the_job_and_the_check_of_the_installation_have_a_problem(airflow: Embedded) -> None:
    assert check(airflow)["ok"]
    airflow.kill("triggerer")
    airflow.sql(
        "UPDATE job SET latest_heartbeat = now() - interval '1 hour' WHERE job_type = 'TriggererJob' RETURNING id"
    )
    try:
        assert document(airflow, "files")["watch"]["problem"].startswith("no triggerer is running")
        found = check(airflow)
        assert (found["ok"], found["needed"]) == (False, True)
        assert "none is running; 9 jobs have schedule.watch" in found["found"]
    finally:
        airflow.start("triggerer")
    until(lambda: document(airflow, "files")["watch"]["problem"] is None, 60, "a triggerer")
