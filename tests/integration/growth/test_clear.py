"""Clearing a run or a part of it, and editing its job while it runs."""

from collections import Counter
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth import forest
from tests.integration.growth.forest import record as notes
from tests.integration.growth.runs import Ended, does, parse_again, trigger
from tests.integration.growth.waiting import until

FAMILY = [does("grow", "parent", children=[does("give", "left"), does("give", "right")]), does("give", "other")]
NODES = {"parent": 1, "left": 1, "right": 1, "other": 1}


def _calls(path: Path) -> Counter[str]:
    return Counter(line["node"] for line in notes.seen(path, begins=True))


def _index(run: Ended, key: str) -> int:
    return next(row["map_index"] for row in run.rows() if row["rendered_map_index"] == key)


def _ended_again(airflow: Embedded, run: Ended) -> Ended:
    """Wait for the end of the run that was just cleared: it is queued again when the request has been answered."""
    return Ended(airflow, *run.names)


@pytest.fixture
def family(airflow: Embedded, record: Path) -> Ended:
    run = Ended(airflow, "deeds", trigger(airflow, "deeds", record, FAMILY))
    assert _calls(record) == NODES
    return run


def test_one_subtask_cleared_runs_again_alone(airflow: Embedded, record: Path, family: Ended) -> None:
    airflow.api.clear(*family.names, [["run", _index(family, "parent")], "report"])
    again = _ended_again(airflow, family)
    assert _calls(record) == {**NODES, "parent": 2}
    assert again.outcomes["parent"]["result"] == [False, False]  # its children are known
    assert again.outcomes["parent"]["attempts"] == 2
    assert (again.result["state"], again.result["succeeded"]) == ("complete", 4)


@pytest.mark.parametrize("what", [None, ["plan"]], ids=["the whole run", "plan alone"])
def test_a_run_that_is_planned_again_runs_each_again_once(
    airflow: Embedded, record: Path, family: Ended, what: list[object] | None
) -> None:
    airflow.api.clear(*family.names, what)
    again = _ended_again(airflow, family)
    assert _calls(record) == dict.fromkeys(NODES, 2)
    assert again.outcomes["parent"]["result"] == [True, True]
    assert (again.result["state"], again.result["subtasks"], again.states()) == ("complete", 4, ["success"] * 4)


def test_a_run_that_shrinks_and_grows_again(airflow: Embedded, record: Path) -> None:
    """The second plan finds less, the third more: rows that Airflow removed come back, for other subtasks."""
    run = Ended(airflow, "shrinking", trigger(airflow, "shrinking", record, []))
    assert run.result["subtasks"] == 6
    airflow.api.clear(*run.names)
    run = _ended_again(airflow, run)
    assert (run.result["subtasks"], Counter(run.states())) == (2, {"success": 2, "removed": 4})
    airflow.api.clear(*run.names)
    run = _ended_again(airflow, run)
    assert (run.result["subtasks"], Counter(run.states())) == (9, {"success": 9})
    assert sorted(run.outcomes) == sorted(
        [*(f"3-{i}" for i in range(3)), *(f"3-{i}.{j}" for i in range(3) for j in range(2))]
    )


def test_clearing_the_failed_lets_a_stopped_run_go_on(airflow: Embedded, record: Path) -> None:
    """Two failures are tolerated, one subtask runs at a time; four fail when they are first called."""
    subtasks = [*[does("fail_first", f"f{i}", times=1) for i in range(4)], *[does("give", f"g{i}") for i in range(3)]]
    run = Ended(airflow, "deeds-strict", trigger(airflow, "deeds-strict", record, subtasks))
    assert (run.run["state"], run.result["failed"]) == ("failed", 3)
    assert run.result["skipped"] >= 1
    airflow.api.clear(*run.names, only_failed=True)
    run = _ended_again(airflow, run)  # the skipped ones run now, too, and the fourth fails
    assert (run.run["state"], run.result["state"], run.result["failed"]) == ("success", "partial", 1)
    airflow.api.clear(*run.names, [["run", run.states().index("failed")], "report"])
    run = _ended_again(airflow, run)
    assert (run.result["state"], run.states()) == ("complete", ["success"] * 7)
    assert _calls(record) == {**{f"f{i}": 2 for i in range(4)}, **{f"g{i}": 1 for i in range(3)}}


def test_growth_goes_on_when_the_job_is_edited(airflow: Embedded, dags: Path, tmp_path: Path) -> None:
    """A new version of the DAG in the middle of a run."""
    gate = tmp_path / "gate"
    params = forest.parameters(tmp_path / "record", size=20, seed=5, gate=str(gate), shared=2)
    run_id = airflow.api.trigger("tree-1", params)
    until(lambda: len(notes.seen(params["record"])) >= 5, what="five subtasks begun")
    spec = dags / "jobs/tree-1.yaml"
    spec.write_text(spec.read_text().replace("attempts: 4", "attempts: 5"))
    parse_again(airflow, "tree-1")
    until(lambda: _versions(airflow, "tree-1") == 2, what="a second version of the DAG")
    gate.touch()
    assert airflow.api.wait("tree-1", run_id, timeout=240)["state"] == "success"
    forest.check(airflow, "tree-1", run_id, params)


def _versions(airflow: Embedded, job: str) -> int:
    return int(airflow.api.get(f"/dags/{job}/dagVersions")["total_entries"])
