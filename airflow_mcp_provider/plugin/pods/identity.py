"""The task instance of a pod, read from the labels and annotations that the executor wrote."""

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
"""Annotation: the TaskInstance.id of the attempt, which changes after a retry or a clear."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a task instance; ``worker`` is the scheduler's job id, ``instance`` its TaskInstance.id."""

    task: TaskRef
    try_number: int
    worker: str
    instance: str | None

    @classmethod
    def of(cls, pod: Any) -> Self | None:  # noqa: ANN401 - a V1Pod
        """Return the attempt of a pod; None for a pod that is not a runner of the executor."""
        annotations, labels = pod.metadata.annotations or {}, pod.metadata.labels or {}
        if EXECUTORS not in labels or not {"dag_id", "run_id", "task_id", "try_number"} <= annotations.keys():
            return None
        try:
            map_index, try_number = int(annotations.get("map_index", -1)), int(annotations["try_number"])
        except ValueError:  # not written by the executor
            return None
        task = TaskRef(annotations["dag_id"], annotations["run_id"], annotations["task_id"], map_index)
        return cls(task, try_number, worker=labels.get(WORKER, ""), instance=instance_of(pod))

    @property
    def key(self) -> TaskInstanceKey:
        """The key for Airflow's audit log."""
        return TaskInstanceKey(
            self.task.dag_id, self.task.task_id, self.task.run_id, self.try_number, self.task.map_index
        )


def instance_of(pod: Any) -> str | None:  # noqa: ANN401 - a V1Pod
    """Return the TaskInstance.id in the pod's annotation; None without a valid one: anyone can create pods."""
    try:
        return str(UUID((pod.metadata.annotations or {})[INSTANCE]))
    except (KeyError, ValueError):
        return None


def label(text: str) -> str:
    """Return ``text`` changed to a valid label value; Airflow's function may return one that starts with "-"."""
    return str(make_safe_label_value(text)).lstrip("-_.")
