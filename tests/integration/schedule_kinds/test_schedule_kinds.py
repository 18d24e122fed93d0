"""Each kind of schedule on a real Airflow: what the REST API and the UI show of it, and that its runs start."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from airflow_mcp_provider.spec import load_job
from tests.integration.schedule_kinds.conftest import AHEAD, BEGUN, ROOT, add
from tests.sizes import patient

SPECS = {path.stem: load_job(path) for path in (ROOT / "dags" / "schedules").rglob("*.yaml")}
SHOWN = {
    "clean_up": (
        "0 6 * * mon-fri, 0 0 1 * *",
        "At 06:00, Monday through Friday; At 00:00, on day 1 of the month (Europe/Berlin)",
    ),
    "check_sites": ("every 5m", "Every 5m (UTC)"),
    "close_year": ("at 2099-12-31 23:30", "Once, at 2099-12-31 23:30 (America/New_York)"),
    "free_space": ("Asset", "Triggered by assets"),
    "inbox": ("Asset", "Triggered by assets"),
    "uploads": ("Asset", "Triggered by assets"),
}


def until(condition: Callable[[], Any], seconds: float = 90) -> Any:
    end = time.monotonic() + patient(seconds)
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.3)
    return found


def runs_of(airflow: Embedded, job: str, state: str | None = None) -> list[dict[str, Any]]:
    found = airflow.api.get(f"/dags/{job}/dagRuns", order_by="id", limit=100)["dag_runs"]
    return [run for run in found if state in {None, run["state"]}]


@pytest.mark.parametrize("job", SHOWN)
def test_it_is_shown_in_words_with_the_next_date(airflow: Embedded, job: str) -> None:
    shown = airflow.api.wait_for_dag(job)
    assert (shown["timetable_summary"], shown["timetable_description"]) == SHOWN[job]
    assert shown["is_paused"]
    since, now = (SPECS[job].schedule.upcoming(time, 100) for time in (BEGUN, datetime.now(UTC)))
    following = shown["next_dagrun_run_after"]
    assert bool(following) == bool(since)
    if since:
        date = datetime.fromisoformat(following)
        assert date == datetime.fromisoformat(shown["next_dagrun_logical_date"])
        assert date in since
        assert date <= now[0], "the next one when the DAG file was parsed"


def test_a_time_of_a_zone_is_shown_in_utc(airflow: Embedded) -> None:
    shown = airflow.api.wait_for_dag("night")
    assert datetime.fromisoformat(shown["next_dagrun_run_after"]).strftime("%H:%M") in {"15:30", "16:00"}


def test_a_run_starts_every_few_seconds(airflow: Embedded) -> None:
    airflow.api.wait_for_dag("often")
    until(lambda: len(runs_of(airflow, "often", "success")) >= 3, 180)
    airflow.api.patch("/dags/often", {"is_paused": True})
    dates = [datetime.fromisoformat(run["logical_date"]) for run in runs_of(airflow, "often")]
    assert len(set(dates)) == len(dates)
    assert all(date.second % 2 == 0 and date.microsecond == 0 for date in dates)
    assert {run["run_type"] for run in runs_of(airflow, "often")} == {"scheduled"}


def test_a_date_in_5_seconds_has_one_run(airflow: Embedded, folder: Path) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + AHEAD
    add(folder, "soon", f"schedule: {{at: {at.isoformat()}}}\n")
    airflow.api.wait_for_dag("soon")
    (run,) = until(lambda: runs_of(airflow, "soon", "success"), 120)
    assert datetime.fromisoformat(run["logical_date"]) == at
    assert datetime.fromisoformat(run["start_date"]) >= at
    assert airflow.api.get("/dags/soon")["next_dagrun_run_after"] is None


def test_a_date_that_has_passed_has_one_run_too(airflow: Embedded) -> None:
    (run,) = until(lambda: runs_of(airflow, "late", "success"), 120)
    assert run["logical_date"].startswith("2026-01-01T09:00:00")
    assert airflow.api.get("/dags/late")["next_dagrun_run_after"] is None


def test_without_coalesce_each_missed_date_has_a_run(airflow: Embedded) -> None:
    until(lambda: len(runs_of(airflow, "each_missed", "success")) == 3, 180)
    assert [run["logical_date"][11:16] for run in runs_of(airflow, "each_missed")] == ["00:00", "01:00", "02:00"]


def test_a_job_runs_after_another_has_completed(airflow: Embedded, tmp_path: Path) -> None:
    for job in ("free_space", "clean_up"):
        airflow.api.patch(f"/dags/{job}", {"is_paused": False})
    run = airflow.api.trigger("clean_up", {"folder": str(tmp_path)})
    assert airflow.api.wait("clean_up", run, patient(120))["state"] == "success"
    (after,) = until(
        lambda: [one for one in runs_of(airflow, "free_space", "success") if is_after(airflow, one, run)], 120
    )
    assert after["run_type"] == "asset_triggered"


def is_after(airflow: Embedded, after: dict[str, Any], run: str) -> bool:
    """Whether a run of free_space follows ``run`` of clean_up, which may have a scheduled one, too."""
    events = airflow.api.get(f"/dags/free_space/dagRuns/{after['dag_run_id']}/upstreamAssetEvents")["asset_events"]
    return run in {event["source_run_id"] for event in events}


def test_the_examples_run_when_they_are_submitted_too(airflow: Embedded, tmp_path: Path) -> None:
    (tmp_path / "year").mkdir()
    (tmp_path / "year" / "a").write_text("a")
    url = f"{airflow.url}/api/v2/version"
    results = {}
    for job, conf in (("check_sites", {"urls": [url]}), ("close_year", {"folder": str(tmp_path / "year")})):
        airflow.api.patch(f"/dags/{job}", {"is_paused": False})
        run = airflow.api.trigger(job, conf)
        assert airflow.api.wait(job, run, patient(120))["state"] == "success"
        results[job] = airflow.api.xcom(job, run, "report")
    assert results["check_sites"]["result"] == {"asked": 1, "bad": []}
    assert results["close_year"]["subtasks"] == 1
    assert (tmp_path / "year.tar.gz").stat().st_size


def test_a_file_in_the_inbox_starts_a_run(airflow: Embedded, folder: Path, tmp_path: Path) -> None:
    inbox = folder.parent / "inbox"
    inbox.mkdir()
    airflow.api.patch("/dags/inbox", {"is_paused": False})
    with (folder / "scheduled.py").open("a") as file:  # Airflow starts the trigger of an asset when it parses the DAG
        file.write("# unpaused\n")
    (tmp_path / "a").write_text("three small words")
    (tmp_path / "a").rename(inbox / "a")  # whole, as the check may look at any moment
    (run, *_) = until(lambda: runs_of(airflow, "inbox", "success"), 180)
    assert run["conf"] == {"folder": str(inbox)}
    assert airflow.api.xcom("inbox", run["dag_run_id"], "report")["result"] == {"files": 1, "words": 3}
    assert (inbox / "done" / "a").exists()


def test_a_hundred_parses_are_one_version(airflow: Embedded, folder: Path) -> None:
    for number in range(3):  # by the processor; 100 times without a database in test_schedule.py of the factory
        before = airflow.api.get("/dags/night")["last_parsed_time"]
        with (folder / "due.py").open("a") as file:
            file.write(f"# {number}\n")
        until(lambda last=before: airflow.api.get("/dags/night")["last_parsed_time"] != last, 120)
    versions = airflow.sql("SELECT dag_id, max(version_number) FROM dag_version GROUP BY dag_id ORDER BY dag_id")
    assert dict(versions) == dict.fromkeys([*SHOWN, "often", "each_missed", "late", "night", "soon"], 1)


def test_no_import_error(airflow: Embedded) -> None:
    assert airflow.api.import_errors() == []
