"""Jobs that call jobs, on a real Airflow: results, failures, the queue, cancel, circles."""

import itertools
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.calls.conftest import called_runs, outcomes, planted_caller, result, subtask, working
from tests.integration.growth.waiting import until


def test_results_failures_and_further_tries(airflow: Embedded, tmp_path: Path) -> None:
    """Each is a run of its own, one after the other; what is refused is an outcome, too."""
    subtasks = [
        *[subtask(tmp_path, name) for name in "abc"],
        subtask(tmp_path, "fails", "fail"),
        subtask(tmp_path, "again", "fail_first"),
        subtask(tmp_path, "wrong", "nonsense"),
    ]
    run_id = airflow.api.trigger("caller", {"subtasks": subtasks})
    told = outcomes(airflow, "caller", run_id)
    assert [told[name]["result"] for name in "abc"] == [[{"name": name, "call": 1}] for name in "abc"]
    assert told["again"]["result"] == [{"name": "again", "call": 2}]
    assert told["fails"]["error"][0] == "JobFailed"
    assert "fails: fails fails" in told["fails"]["error"][1].replace("LookupError: ", "")
    assert told["wrong"]["error"][0].endswith("InvalidPayload")
    runs = called_runs(airflow)
    assert len(runs) == 3 + 2 + 2
    user = airflow.api.run("caller", run_id)["triggering_user_name"]
    assert user
    assert {run["triggering_user_name"] for run in runs} == {user}
    spans = sorted((run["start_date"], run["end_date"]) for run in runs)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


def test_nobody_waits_in_a_process(airflow: Embedded, tmp_path: Path) -> None:
    """While the called run works, its caller's runners are gone; and the result comes when it comes."""
    gate = tmp_path / "gate"
    run_id = airflow.api.trigger("caller", {"subtasks": [subtask(tmp_path, "slow", "wait", file=str(gate))]})
    until(lambda: _states(airflow, run_id) == ["up_for_reschedule"] and working(airflow), what="both at rest and work")
    gate.touch()
    assert outcomes(airflow, "caller", run_id)["slow"]["result"] == [{"name": "slow", "call": 1}]


def test_cancel_reaches_the_called_run_whatever_others_have_written(airflow: Embedded, tmp_path: Path) -> None:
    """A row that SQL has damaged harms its own run alone: nobody knows any more whom that was made for."""
    damaged = planted_caller(airflow, 5)
    subtasks = [subtask(tmp_path, name, "wait", file=str(tmp_path / "never")) for name in ("one", "two")]
    before = len(called_runs(airflow))
    run_id = airflow.api.trigger("caller", {"subtasks": subtasks})
    until(
        lambda: len(called_runs(airflow)) == before + 2 and working(airflow), what="one called run at work, one queued"
    )
    airflow.api.cancel("caller", run_id)
    until(lambda: {run["state"] for run in called_runs(airflow)[before:]} == {"failed"}, what="the end of both")
    assert all(
        run["note"] == "cancelled: the subtask that started this run has ended" for run in called_runs(airflow)[before:]
    )
    assert airflow.api.run("stranger", damaged)["state"] == "queued"
    airflow.api.cancel("stranger", damaged)


def test_a_run_gets_what_its_job_declares(airflow: Embedded, tmp_path: Path) -> None:
    """A result of a step before where a param has its name; a field of the payload that is no param is refused."""
    subtasks = [subtask(tmp_path, name) for name in "ab"]
    for one in subtasks:
        del one["does"]
    subtasks[1]["verify"] = False
    run_id = airflow.api.trigger("staged", {"subtasks": subtasks})
    told = {one["key"]: one for one in result(airflow, "staged", run_id)["result"] if one["step"] == "calls"}
    assert told["a"]["error"] is None
    assert [one["name"] for one in told["a"]["result"]] == ["a"]
    kind, message = told["b"]["error"]
    assert kind.endswith("InvalidPayload")
    assert message.startswith("unknown param 'verify' of the job called; expected does, file, name, record")


@pytest.mark.parametrize(
    ("job", "says"),
    [
        ("ring_a", "ring_a -> ring_b -> ring_a"),
        ("ring_b", "ring_b -> ring_a -> ring_b"),
        ("nobody", "unknown job 'nowhere'"),
    ],
)
def test_circles_and_jobs_that_are_not_there_are_refused(airflow: Embedded, job: str, says: str) -> None:
    (told,) = outcomes(airflow, job, airflow.api.trigger(job, {"subtasks": [{"name": "a"}]})).values()
    assert told["error"][0].endswith("SpecError")
    assert says in told["error"][1]


def _states(airflow: Embedded, run_id: str) -> list[str]:
    return [row["state"] for row in airflow.api.task_instances("caller", run_id, task_id="run")]
