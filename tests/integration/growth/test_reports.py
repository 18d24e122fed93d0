"""Reports that fail, and outcomes that are lost: what stays of a run, and that none succeeds on less."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.runs import Ended, does, trigger
from tests.integration.growth.waiting import until

Run = Callable[[str], Ended]
COUNTS = ("state", "subtasks", "succeeded", "failed", "skipped", "result")


@pytest.fixture(scope="module")
def started(airflow: Embedded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One run after the other: a job has one active run."""
    folder = tmp_path_factory.mktemp("record")
    subtasks = [does("give", "a"), does("give", "b")]
    runs = {}
    for how in ("fail_first", "no_json", "leave"):
        conf = {"subtasks": subtasks, "record": str(folder / how), "how": how}
        runs[how] = airflow.api.trigger("deeds-report", conf)
    return runs


@pytest.fixture
def ended(airflow: Embedded, started: dict[str, str]) -> Run:
    return lambda how: Ended(airflow, "deeds-report", started[how])


@pytest.mark.parametrize(
    ("how", "tries", "kind", "reason"),
    [
        ("no_json", 1, "airflow_mcp_provider.errors.InvalidPayload", "the result is not plain JSON"),
        ("leave", 4, "WorkDied", "the process ended with exit code 0 before the function returned"),
    ],
)
def test_a_report_that_fails_leaves_its_counts(ended: Run, how: str, tries: int, kind: str, reason: str) -> None:
    run = ended(how)
    assert run.run["state"] == "failed"
    assert [run.result[name] for name in COUNTS] == ["failed", 2, 2, 0, 0, None]
    assert (run.result["error"]["type"], run.result["error"]["message"][: len(reason)]) == (kind, reason)
    note = run.run["note"]
    assert note.startswith("failed: the report failed:")
    assert reason in note
    assert "2 of 2 subtasks succeeded" in note
    assert run.rows("report")[0]["try_number"] == tries


def test_a_report_that_works_at_last_leaves_no_note(ended: Run) -> None:
    run = ended("fail_first")
    assert (run.run["state"], run.result["state"], run.result["result"]) == ("success", "complete", 2)
    assert (run.run["note"], run.rows("report")[0]["try_number"]) == (None, 2)


def test_a_lost_outcome_has_failed_and_a_marked_subtask_has_not(airflow: Embedded, tmp_path: Path) -> None:
    waits = does("wait_for", "marked", file=str(tmp_path / "never"))
    run_id = trigger(airflow, "deeds", tmp_path / "record", [does("give", "gone"), does("give", "kept"), waits])
    until(lambda: states(airflow, run_id) == ["success", "success", "running"], what="two have ended")
    remove(airflow, run_id)
    airflow.api.patch(f"/dags/deeds/dagRuns/{run_id}/taskInstances/run/2", {"new_state": "success"})
    run = Ended(airflow, "deeds", run_id)
    assert [run.result[name] for name in COUNTS[:-1]] == ["partial", 3, 2, 1, 0]
    assert [(one["key"], one["type"]) for one in run.result["failures"]] == [("gone", "InvalidRow")]
    assert {key: one["status"] for key, one in run.outcomes.items()} == {
        "gone": "failed",
        "kept": "success",
        "marked": "success",
    }


def states(airflow: Embedded, run_id: str) -> list[str]:
    return [row["state"] for row in airflow.api.task_instances("deeds", run_id) if row["task_id"] == "run"]


def remove(airflow: Embedded, run_id: str) -> None:
    engine = create_engine(airflow.environment()["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    words = "DELETE FROM task_state_store WHERE run_id = :run AND key = 'mcp.outcome' AND map_index = 0"
    with engine.begin() as connection:
        assert connection.execute(text(words), {"run": run_id}).rowcount == 1
    engine.dispose()
