"""Why a pod does not start, or was ended by something else than its task: from Kubernetes' status to our reason.

Pure functions: the input is a pod and the type of the event, the output a reason. Errors inside a runner (the work was
killed, a function raised) are reported by the runner itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.memory import OUT_OF_MEMORY

IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
STARTING = frozenset({"ContainerCreating", "PodInitializing"})
UNKNOWN = "ContainerStatusUnknown"
"""The kubelet's reason, with exit code 137, for a container that was not started before its pod was deleted."""
REFUSED = "PodRefused"
UNREACHED = "the runner could not reach Airflow's API at "
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Reason:
    """``type`` is the type of an outcome's error; ``over``: the pod will not run any more."""

    type: str
    message: str
    over: bool


def reason(pod: Any, event: str) -> Reason | None:  # noqa: ANN401 - a V1Pod
    """Return the reason to report for ``pod`` after an ``event`` (ADDED, MODIFIED, DELETED); None: nothing."""
    status = pod.status
    if status.phase != "Succeeded" and (disruption := _disruption(pod)):
        return disruption
    if status.phase == "Failed":
        return _deleted(pod) if _deleted_unbegun(pod) else _failed(pod)
    if event == "DELETED" and status.phase in ("Pending", "Running") and pod.metadata.deletion_timestamp:
        return _deleted(pod)
    return _pending(pod) if status.phase == "Pending" else None


def refused(why: str) -> Reason:
    """Return the reason for a pod that was not created and will not be created."""
    return _over(REFUSED, f"the pod was not created: {why}")


def unreached(url: object, error: Exception) -> str:
    """Return the termination message of a runner that could not reach Airflow."""
    return f"{UNREACHED}{url}: {type(error).__name__}: {error}"


def _failed(pod: Any) -> Reason:  # noqa: ANN401
    status = pod.status
    if status.reason == "DeadlineExceeded":
        return _over("PodDeadline", f"the pod exceeded activeDeadlineSeconds ({pod.spec.active_deadline_seconds} s)")
    if status.reason:
        return _over("PodEvicted", f"{status.reason}: {status.message}")
    ended = [one.state.terminated for one in _containers(status) if one.state.terminated]
    wrong = next((one for one in ended if one.exit_code), None)
    if wrong is None:
        return _over("RunnerLost", f"the pod failed: {status.message or 'Kubernetes reports no reason'}")
    if wrong.reason == "OOMKilled":
        return _over(OUT_OF_MEMORY, f"the pod ran out of memory (OOMKilled); its limit is {_limit(pod)}")
    if wrong.message and wrong.message.startswith(UNREACHED):
        return _over("AirflowNotReached", wrong.message)
    log = f"; last lines of its log: {wrong.message.strip()}" if wrong.message else ""
    return _over("RunnerFailed", f"the pod ended with exit code {wrong.exit_code} ({wrong.reason}){log}")


def _deleted_unbegun(pod: Any) -> bool:  # noqa: ANN401
    ended = [one.state.terminated for one in _containers(pod.status) if one.state.terminated]
    return bool(pod.metadata.deletion_timestamp) and any(one.reason == UNKNOWN for one in ended)


def _deleted(pod: Any) -> Reason:  # noqa: ANN401
    at = "while it was running" if pod.status.phase == "Running" else "before it started"
    return _over("PodDeleted", f"the pod was deleted {at}, on node {pod.spec.node_name or '-'}")


def _disruption(pod: Any) -> Reason | None:  # noqa: ANN401
    """Return Kubernetes' own reason for a pod that it removes: drained, preempted, or on a lost node."""
    for condition in pod.status.conditions or []:
        if condition.type == "DisruptionTarget" and condition.status == "True":
            where = f", on node {pod.spec.node_name}" if pod.spec.node_name else ""
            return _over("PodEvicted", f"{condition.reason}: {condition.message}{where}")
    return None


def _pending(pod: Any) -> Reason | None:  # noqa: ANN401
    for container in _containers(pod.status):
        waiting = container.state.waiting
        if waiting and waiting.reason in IMAGE:
            why = f"{waiting.reason}: {waiting.message or ''}"
            return Reason("ImageNotPulled", _cut(f"image {container.image} cannot be pulled: {why}"), over=False)
        if waiting and waiting.reason not in STARTING:
            return Reason("PodNotStarted", _cut(f"{waiting.reason}: {waiting.message or ''}"), over=False)
    for condition in pod.status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return Reason("PodNotScheduled", _cut(f"{condition.reason}: {condition.message}"), over=False)
    return None


def _containers(status: Any) -> list[Any]:  # noqa: ANN401
    return [*(status.init_container_statuses or []), *(status.container_statuses or [])]


def _limit(pod: Any) -> str:  # noqa: ANN401
    resources = pod.spec.containers[0].resources
    return str(((resources and resources.limits) or {}).get("memory", "the node's"))


def _over(kind: str, message: str) -> Reason:
    return Reason(kind, _cut(message), over=True)


def _cut(message: str) -> str:
    text = redaction.text(message)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
