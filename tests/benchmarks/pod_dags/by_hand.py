"""The same as people write it by hand: mapped tasks with a pod_override; a chain of tasks."""

from typing import Any

from airflow.sdk import DAG, get_current_context, task
from kubernetes.client import models as k8s

BOUNDS = k8s.V1ResourceRequirements(requests={"cpu": "10m", "memory": "64Mi"}, limits={"memory": "1Gi"})
POD = k8s.V1Pod(spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base", resources=BOUNDS)]))
HERE = {"executor_config": {"pod_override": POD}}


@task(**HERE)
def nothing(item: Any) -> int:
    return 1


@task(trigger_rule="all_done", **HERE)
def gather(results: Any) -> int:
    return len(list(results))


with DAG("hand_fan", schedule=None, max_active_runs=1, params={"number": 20}):

    @task(**HERE)
    def find() -> list[int]:
        return list(range(get_current_context()["params"]["number"]))

    gather(nothing.expand(item=find()))


with DAG("hand_chain", schedule=None, max_active_runs=1):

    @task(**HERE)
    def link(before: int) -> int:
        return before + 1

    value: Any = 0
    for _ in range(12):  # plan and report of ours are two tasks, too
        value = link(value)
