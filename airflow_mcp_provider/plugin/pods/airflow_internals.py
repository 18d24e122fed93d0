"""Private API of Airflow's Kubernetes provider that this package uses.

tests/unit/plugin/pods/test_pods_contract.py checks each, so that a change in the provider fails there.
"""

from __future__ import annotations

from airflow.models.log import Log
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.providers.cncf.kubernetes.executors.kubernetes_executor import KubernetesExecutor
from airflow.providers.cncf.kubernetes.executors.kubernetes_executor_types import (
    POD_EXECUTOR_DONE_KEY as DONE,
)
from airflow.providers.cncf.kubernetes.executors.kubernetes_executor_types import (
    POD_REVOKED_KEY as REVOKED,
)
from airflow.providers.cncf.kubernetes.kube_client import get_kube_client
from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value

WORKER = "airflow-worker"
"""The label with the job id of the scheduler that a pod belongs to."""
WORKLOAD = "airflow.sdk.execution_time.execute_workload"
"""The module in the command of a runner."""
EXECUTORS = "kubernetes_executor"
"""The label of the executor's pods; pods of KubernetesPodOperator do not have it."""

__all__ = [
    "DONE",
    "EXECUTORS",
    "REVOKED",
    "WORKER",
    "WORKLOAD",
    "KubernetesExecutor",
    "Log",
    "TaskInstanceHistory",
    "TaskInstanceKey",
    "get_kube_client",
    "make_safe_label_value",
]
