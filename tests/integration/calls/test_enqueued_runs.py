"""Runs of another job that a job's own code enqueues, beside its own subtasks, on a real Airflow."""

from pathlib import Path
from typing import Any

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.calls.conftest import CALLED, called_runs, outcomes, result, subtask, working
from tests.integration.growth.waiting import until


def enqueues(*wanted: Json) -> list[Json]:
    return [{"name": "first", "enqueues": [*wanted]}]


def run_of(path: Path, name: str, does: str = "work", **more: Any) -> Json:
    return {"job": CALLED, "payload": subtask(path, name, does, **more)}


def test_own_subtasks_and_runs_of_another_job_are_outcomes_of_one_run(airflow: Embedded, tmp_path: Path) -> None:
    own = {"payload": {"name": "own"}}
    wanted = [own, run_of(tmp_path, "a") | {"key": "a"}, run_of(tmp_path, "a") | {"key": "a"}, own]
    wanted += [run_of(tmp_path, "own"), run_of(tmp_path, "fails", "fail") | {"key": "fails"}]
    told = outcomes(airflow, "mixed", airflow.api.trigger("mixed", {"subtasks": enqueues(*wanted)}))
    assert told["first"]["result"] == [True, True, False, False, True, True]
    (other,) = told.keys() - {"first", "own", "a", "fails"}
    assert other.startswith("called ")
    assert (told["own"]["result"], told[other]["result"]) == ([], [{"name": "own", "call": 1}])
    assert told["a"]["result"] == [{"name": "a", "call": 1}]
    assert told["fails"]["error"][0] == "JobFailed"
    assert {key: (one["job"], one["parent"]) for key, one in told.items()} == {
        "first": (None, None), "own": (None, "first"), **dict.fromkeys(["a", other, "fails"], (CALLED, "first")),
    }  # fmt: skip


def test_only_jobs_that_the_spec_names_and_no_circles(airflow: Embedded) -> None:
    """The enqueuer is told, and may go on without."""
    jobs = ["caller", "mixed", "nowhere", "round", "", 5]
    wanted = [{"job": job, "payload": {"name": "x"}} for job in jobs]
    told = outcomes(airflow, "mixed", airflow.api.trigger("mixed", {"subtasks": enqueues(*wanted)}))
    assert told.keys() == {"first"}
    named = "expected one of its subtasks.jobs: called, nowhere, round"
    assert told["first"]["result"] == [
        f"SpecError: job 'caller' not allowed in mixed; {named}",
        f"SpecError: job 'mixed' not allowed in mixed; {named}",
        "SpecError: unknown job 'nowhere': it does not exist in this Airflow, or it has import errors",
        "SpecError: circular call of jobs, a run would wait for itself: mixed -> round -> mixed",
        "InvalidPayload: invalid job ''; expected the id of a job, a string of 1 to 250 characters",
        "InvalidPayload: invalid job 5; expected the id of a job, a string of 1 to 250 characters",
    ]


def test_nobody_waits_in_a_process_and_cancel_reaches_the_run(airflow: Embedded, tmp_path: Path) -> None:
    before = len(called_runs(airflow))
    wanted = run_of(tmp_path, "slow", "wait", file=str(tmp_path / "never"))
    run_id = airflow.api.trigger("mixed", {"subtasks": enqueues(wanted)})
    until(
        lambda: states(airflow, run_id) == ["success", "up_for_reschedule"] and working(airflow), what="rest and work"
    )
    airflow.api.cancel("mixed", run_id)
    until(lambda: [run["state"] for run in called_runs(airflow)[before:]] == ["failed"], what="its end")


def test_lines_of_a_shell_and_a_plan_and_the_steps_after(airflow: Embedded, tmp_path: Path) -> None:
    """A run of another job stands for the work of the step that it was enqueued in; the next one is the job's own."""
    run_id = airflow.api.trigger("lines", {"subtasks": [subtask(tmp_path, "a")]})
    found = result(airflow, "lines", run_id)
    assert (found["state"], found["subtasks"]) == ("complete", 2)
    last = [one["result"] for one in found["result"] if one["step"] == "second"]
    assert sorted(last, key=str) == [["a", [{"name": "a", "call": 1}]], ["own", "own"]]


def states(airflow: Embedded, run_id: str) -> list[str]:
    return [row["state"] for row in airflow.api.task_instances("mixed", run_id, task_id="run")]
