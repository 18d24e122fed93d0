"""The cluster policy of this package, registered with the entry point ``airflow.policy``.

Airflow imports it in every process during its start, before it opens its database: the hooks of admission hold for the
API server, the scheduler and every ``airflow`` command. The code that it needs is imported only when a pod or a run is
created.
"""

from __future__ import annotations

from typing import Any

from airflow.policies import hookimpl

from airflow_mcp_provider import commit_hooks

commit_hooks.install()


@hookimpl
def pod_mutation_hook(pod: Any) -> None:  # noqa: ANN401 - a V1Pod
    """Add labels and safe defaults to the pods of jobs; Airflow calls it in the scheduler when it creates a pod."""
    if "kubernetes_executor" in (pod.metadata.labels or {}):  # otherwise a pod of KubernetesPodOperator
        from airflow_mcp_provider.plugin.pods.mutation import mutate  # noqa: PLC0415 - see above

        mutate(pod)
