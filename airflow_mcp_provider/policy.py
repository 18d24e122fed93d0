"""Airflow's cluster policy, registered through the entry point ``airflow.policy``.

Airflow imports it in every process while it is still starting: nothing is imported here before a pod is made.
"""

from __future__ import annotations

from typing import Any

from airflow.policies import hookimpl


@hookimpl
def pod_mutation_hook(pod: Any) -> None:  # noqa: ANN401 - a V1Pod
    """Give the runners' pods of jobs their labels and safe defaults; in the scheduler, when it makes them."""
    if "kubernetes_executor" in (pod.metadata.labels or {}):  # else of the pod operator, in a runner without database
        from airflow_mcp_provider.plugin.pods.mutation import mutate  # noqa: PLC0415 - see above

        mutate(pod)
