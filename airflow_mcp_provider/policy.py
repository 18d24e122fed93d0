"""The cluster policy of this package, registered with the entry point ``airflow.policy``.

Airflow imports it in every process during its start, so the code that it needs is imported only when a pod is created.
"""

from __future__ import annotations

from typing import Any

from airflow.policies import hookimpl


@hookimpl
def pod_mutation_hook(pod: Any) -> None:  # noqa: ANN401 - a V1Pod
    """Add labels and safe defaults to the pods of jobs; Airflow calls it in the scheduler when it creates a pod."""
    if "kubernetes_executor" in (pod.metadata.labels or {}):  # otherwise a pod of KubernetesPodOperator
        from airflow_mcp_provider.plugin.pods.mutation import mutate  # noqa: PLC0415 - see above

        mutate(pod)
