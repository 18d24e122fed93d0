"""The largest number of runners of one run: pods, with the KubernetesExecutor.

Runs for ``airflow mcp explain``. A bound that follows from the limits of the spec, not an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_mcp_provider.factory.dag import CONTROL_RETRIES
from airflow_mcp_provider.spec import ContainerWork, JobWork

if TYPE_CHECKING:
    from airflow_mcp_provider.spec import JobSpec, Plan, Step, SubtaskWork

_CONTROL_ATTEMPTS = int(CONTROL_RETRIES["retries"]) + 1
_OF_CONTAINER = 2
"""The runner of a container, and the container itself."""


@dataclass(frozen=True)
class Runners:
    """The most runners of a run: ``at_once``, and ``in_all`` over all attempts; None where the spec has no bound.

    ``reasons`` has the calculation, one part each.
    """

    at_once: int
    in_all: int | None
    reasons: tuple[str, ...]


def runners(spec: JobSpec, active_tasks: int) -> Runners:
    """Return the bounds for one run; ``active_tasks`` is the ``max_active_tasks`` of its DAG."""
    counts = [_of_step(spec, step) for step in spec.each_step]
    control = 0 if spec.control == "local" else _CONTROL_ATTEMPTS * (_each(spec.plan) + 1)
    reasons = (*(reason for _, reason in counts), _of_control(spec, control))
    bounded = [count for count, _ in counts if count is not None]
    return Runners(
        _at_once(spec, active_tasks), sum(bounded, control) if len(bounded) == len(counts) else None, reasons
    )


def _at_once(spec: JobSpec, active_tasks: int) -> int:
    steps = [
        (_each(step.run), min(step.subtasks.parallelism or active_tasks, step.subtasks.limit or active_tasks))
        for step in spec.each_step
        if step.subtasks
    ]
    largest, left = 0, active_tasks
    for each, count in sorted(steps, reverse=True):  # the steps with the most runners for each subtask first
        taken = min(count, left)
        largest, left = largest + each * taken, left - taken
    return max(largest, 0 if spec.control == "local" else _each(spec.plan))


def _of_step(spec: JobSpec, step: Step) -> tuple[int | None, str]:
    limit = (step.subtasks and step.subtasks.limit) or spec.subtasks.limit
    attempts = (step.retries or spec.retries).attempts
    if isinstance(step.run, JobWork) or spec.subtasks.jobs:
        return None, f"{step.name}: no bound, because each look at a run of another job is a runner"
    each = _each(step.run)
    containers = ", twice: the container, and its runner" if each == _OF_CONTAINER else ""
    return limit * attempts * each, f"{step.name}: {limit} subtasks, with {attempts} attempts each{containers}"


def _of_control(spec: JobSpec, count: int) -> str:
    if spec.control == "local":
        return "plan and report: none, they run in the scheduler"
    return f"plan and report: {count}, with {_CONTROL_ATTEMPTS} attempts each"


def _each(work: Plan | SubtaskWork) -> int:
    return _OF_CONTAINER if isinstance(work, ContainerWork) else 1
