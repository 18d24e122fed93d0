"""Which task a pod is for, as the executor wrote it on the pod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from airflow_mcp_provider.plugin.db.identity import TaskRef
from airflow_mcp_provider.plugin.pods.airflow_internals import EXECUTORS, WORKER, TaskInstanceKey, make_safe_label_value

JOB = "mcp/job"
RUN = "mcp/run"
SUBTASK = "mcp/subtask"
"""Labels of a job's pods, for people: ``kubectl get pods -l mcp/job=crawl_site -L mcp/subtask``."""


INSTANCE = "mcp/instance"
"""Annotation: the attempt's id in Airflow's table, which is another one after a retry or a clear."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a task. ``instance`` is its id in Airflow's table (None: no pod of ours)."""

    task: TaskRef
    try_number: int
    worker: str
    instance: str | None

    @classmethod
    def of(cls, pod: Any) -> Self | None:  # noqa: ANN401 - a V1Pod
        """Read it; None for a pod that is no runner of the executor."""
        told, labels = pod.metadata.annotations or {}, pod.metadata.labels or {}
        if EXECUTORS not in labels or not {"dag_id", "run_id", "task_id", "try_number"} <= told.keys():
            return None
        try:
            map_index, try_number = int(told.get("map_index", -1)), int(told["try_number"])
        except ValueError:  # written by somebody else
            return None
        task = TaskRef(told["dag_id"], told["run_id"], told["task_id"], map_index)
        return cls(task, try_number, worker=labels.get(WORKER, ""), instance=instance_of(pod))

    @property
    def key(self) -> TaskInstanceKey:
        """Its name in Airflow's audit log."""
        return TaskInstanceKey(
            self.task.dag_id, self.task.task_id, self.task.run_id, self.try_number, self.task.map_index
        )


def instance_of(pod: Any) -> str | None:  # noqa: ANN401 - a V1Pod
    """Return the attempt's id in Airflow's table, as far as an id stands on the pod: anybody may have made it."""
    try:
        return str(UUID((pod.metadata.annotations or {})[INSTANCE]))
    except (KeyError, ValueError):
        return None


def label(text: str) -> str:
    """Return ``text`` as a label may be; Airflow's own makes "-" and a hash of a text without any letter or digit."""
    return str(make_safe_label_value(text)).lstrip("-_.")
