"""Trees that grow while they run, many at once: nothing lost, nothing doubled, the report right."""

from pathlib import Path

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth import forest
from tests.integration.growth.conftest import TREES
from tests.sizes import FULL

EVERY_MISHAP = ["before", "after", "half", "final"]


def test_many_trees_at_once_with_failures(airflow: Embedded, tmp_path: Path) -> None:
    """One of them is larger; two schedulers share the runs, two API servers the enqueues."""
    sizes = [220] * TREES if FULL else [40] + [3] * (TREES - 1)
    trees = {
        f"tree-{number}": forest.parameters(
            tmp_path / f"{number}.jsonl",
            size=size,
            seed=number,
            mishaps=0.2,
            kinds=EVERY_MISHAP,
            shared=3 if size > 3 else 1,
        )
        for number, size in enumerate(sizes)
    }
    runs = {job: airflow.api.trigger(job, params) for job, params in trees.items()}
    for job, run_id in runs.items():
        run = airflow.api.wait(job, run_id, timeout=3000 if FULL else 400)
        assert run["state"] == "success"
        forest.check(airflow, job, run_id, trees[job])
