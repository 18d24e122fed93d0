"""SIGKILL of everything that takes part in a run: nothing is lost, nothing doubled."""

from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth import forest
from tests.integration.growth.forest import record
from tests.integration.growth.waiting import until
from tests.sizes import FULL

NODES = 17 if FULL else 6


def test_runners_killed_right_after_enqueue(airflow: Embedded, tmp_path: Path) -> None:
    """Every node of three trees: its first runner enqueues its children and one that all share, and is killed."""
    trees = {
        f"tree-{number}": forest.parameters(
            tmp_path / f"{number}.jsonl", size=NODES, seed=number, mishaps=1, kinds=["kill"], shared=2
        )
        for number in range(3)
    }
    runs = {job: airflow.api.trigger(job, params) for job, params in trees.items()}
    for job, run_id in runs.items():
        assert airflow.api.wait(job, run_id, timeout=400)["state"] == "success"
        forest.check(airflow, job, run_id, trees[job])
    kills = sum(node.attempts - 1 for params in trees.values() for node in forest.expected(params).values())
    assert kills == 3 * NODES


def test_runners_killed_with_their_supervisors(airflow: Embedded, tmp_path: Path) -> None:
    """As when a machine ends: nobody is left to tell, Airflow misses the heartbeat."""
    params = forest.parameters(tmp_path / "record", size=6, seed=3, mishaps=0.5, kinds=["machine"], shared=1)
    assert sum(node.attempts == 2 for node in forest.expected(params).values()) >= 2
    run_id = airflow.api.trigger("tree", params)
    assert airflow.api.wait("tree", run_id, timeout=400)["state"] == "success"
    forest.check(airflow, "tree", run_id, params)


@pytest.mark.parametrize("name", ["api-server-1", *(["api-server-2"] if FULL else []), "scheduler-1"])
def test_a_server_killed_in_the_middle(airflow: Embedded, tmp_path: Path, name: str) -> None:
    """An API server comes back, as Kubernetes would have it; a scheduler's work is taken over by the other one."""
    gate = tmp_path / "gate"
    params = forest.parameters(tmp_path / "record", size=40 if FULL else 16, seed=7, gate=str(gate), shared=2)
    run_id = airflow.api.trigger("tree", params)
    until(lambda: len(record.seen(params["record"])) >= 6, what="six subtasks begun")
    airflow.kill(name)
    gate.touch()
    try:
        if name.startswith("api-server"):
            airflow.start(name)
        assert airflow.api.wait("tree", run_id, timeout=400)["state"] == "success"
    finally:
        if name not in airflow.processes.running:
            airflow.start(name)
    forest.check(airflow, "tree", run_id, params, extra_tries=20)
