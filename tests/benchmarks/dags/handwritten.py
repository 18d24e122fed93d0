"""The same work as people write it by hand in Airflow: mapped tasks, a chain of tasks, a mapped task a generation."""

import time
from typing import Any

from airflow.sdk import DAG, task
from bench import LEAVES, TREE


@task
def nothing(item: Any) -> int:
    return 1


@task(trigger_rule="all_done")
def gather(results: Any) -> int:
    return len(list(results))


with DAG("hand_fan", schedule=None, max_active_runs=1):

    @task
    def fifty() -> list[int]:
        return list(range(50))

    gather(nothing.expand(item=fifty()))


with DAG("hand_chain", schedule=None, max_active_runs=1):

    @task
    def link(before: int) -> int:
        return before + 1

    value: Any = 0
    for _ in range(12):  # plan and report of ours are two tasks, too
        value = link(value)


with DAG("hand_tree", schedule=None, max_active_runs=1):

    @task
    def generation(name: str) -> list[str]:
        time.sleep(TREE.get(name, 0))
        if f"{name}.0" not in TREE:
            return []
        return [f"{name}.0", *(f"{name}.leaf{leaf}" for leaf in range(1, LEAVES + 1))]

    @task
    def flat(results: Any) -> list[str]:
        return [name for names in results for name in names]

    @task
    def root() -> list[str]:
        return ["r"]

    names: Any = root()
    for level in range(len(TREE)):
        done = generation.override(task_id=f"generation_{level}").expand(name=names)
        names = flat.override(task_id=f"flat_{level}", trigger_rule="all_done")(done)
