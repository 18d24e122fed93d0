"""Where a job's tasks run: what the operators are told of executors and pods.

Nothing in a runner: it is where it is, and building a pod would cost it the import of ``kubernetes``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import get_parsing_context

from airflow_mcp_provider.spec import JobSpec, Pod, Step, StepTimeouts
from airflow_mcp_provider.spec.marker import LOCAL, Marker, MoreMemory, PodNeeds

BEHIND = timedelta(minutes=10)
"""So much longer than its hard timeout may a subtask's pod live: for its image, its start, its last words."""


def of_step(step: Step) -> dict[str, Any]:
    """Return the keywords of a step's task; raises SpecError when Kubernetes would not take the pod."""
    return _pod(step.pod, work=True)


def of_control(spec: JobSpec) -> dict[str, Any]:
    """Return the keywords of ``plan`` and ``report``; raises SpecError likewise."""
    return {"executor": LOCAL} if spec.control == "local" else _pod(spec.pod, work=False)


def _pod(pod: Pod | None, *, work: bool) -> dict[str, Any]:
    if pod is None or get_parsing_context().dag_id is not None:
        return {}
    from airflow_mcp_provider.factory.pod import v1_pod  # noqa: PLC0415 - see above

    return {"executor_config": {"pod_override": v1_pod(pod, work=work)}}


def marker(spec: JobSpec) -> Marker:
    """Return what the scheduler must know of the job."""
    steps = {step.name: _needs(step.timeouts or spec.timeouts, step.pod) for step in spec.each_step}
    control = _needs(spec.timeouts, None)
    pods = {**steps, "plan": control, "report": control}
    return Marker(spec.queue.priority, spec.timeouts.queue, pods, spec.calls)


def _needs(timeouts: StepTimeouts, pod: Pod | None) -> PodNeeds:
    more = pod.on_oom if pod else None
    return PodNeeds(
        timeouts.hard + BEHIND if timeouts.hard else None,
        MoreMemory(more.factor, more.max) if more else None,
    )
