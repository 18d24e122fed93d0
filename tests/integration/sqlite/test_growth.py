"""The main paths of growth on SQLite."""

from pathlib import Path

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth import forest
from tests.integration.growth.runs import Ended, does, trigger
from tests.integration.steps.conftest import Record


def test_trees_with_failures(airflow: Embedded, tmp_path: Path) -> None:
    """Two at once; what SQLite's missing locks let slip, the report brings back."""
    kinds = ["before", "after", "half", "final", "kill"]
    trees = {
        f"tree-{number}": forest.parameters(
            tmp_path / f"{number}.jsonl", size=12, seed=number + 11, mishaps=0.2, kinds=kinds, shared=2
        )
        for number in (0, 1)
    }
    runs = {job: airflow.api.trigger(job, params) for job, params in trees.items()}
    for job, run_id in runs.items():
        assert airflow.api.wait(job, run_id, timeout=400)["state"] == "success"
        forest.check(airflow, job, run_id, trees[job])


def test_limits_failures_and_an_empty_plan(airflow: Embedded, record: Record) -> None:
    told = {
        "deeds-limited": [does("grow_many", count=7)],
        "deeds-strict": [does("fail", f"f{i}") for i in range(5)],
        "deeds-default": [],
    }
    runs = {job: trigger(airflow, job, record.path, listed) for job, listed in told.items()}
    limited, strict, empty = (Ended(airflow, job, run_id) for job, run_id in runs.items())
    assert limited.outcomes["grow_many"]["error"]["message"].endswith("subtasks.limit is 5")
    assert (strict.run["state"], strict.result["failed"], strict.result["skipped"]) == ("failed", 3, 2)
    assert (empty.run["state"], empty.result["state"]) == ("success", "nothing to do")


def test_a_cleared_run_runs_again(airflow: Embedded, record: Record) -> None:
    subtasks = [does("grow", "parent", children=[does("give", "child")])]
    run = Ended(airflow, "deeds", trigger(airflow, "deeds", record.path, subtasks))
    airflow.api.clear(*run.names)
    again = Ended(airflow, *run.names)
    assert (again.result["state"], again.states()) == ("complete", ["success", "success"])
    assert [one["attempts"] for one in again.outcomes.values()] == [2, 2]
