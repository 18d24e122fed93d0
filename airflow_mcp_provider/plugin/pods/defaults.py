"""What every pod of a job has, unless its spec or the installation's pod template says otherwise.

Filled in last, where nobody has said anything: an installation that needs it otherwise says so once, in its template.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from kubernetes.client import models

from airflow_mcp_provider import start
from airflow_mcp_provider.plugin.pods.airflow_internals import WORKLOAD

SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"


def dress(pod: Any, labels: Mapping[str, str], deadline: timedelta | None) -> None:  # noqa: ANN401 - a V1Pod
    """Fill in safe defaults, and the labels by which people find the pod."""
    pod.metadata.labels = {**(pod.metadata.labels or {}), **labels}
    # An autoscaler that makes a node free would cost the subtask an attempt.
    pod.metadata.annotations = {SAFE_TO_EVICT: "false", **(pod.metadata.annotations or {})}
    spec = pod.spec
    _fill(spec, automount_service_account_token=False, enable_service_links=False)
    if deadline is not None:
        _fill(spec, active_deadline_seconds=int(deadline.total_seconds()))
    for container in spec.containers:
        # The last lines of a runner that dies before Airflow hears of it; the pod's log goes with the pod.
        _fill(container, termination_message_policy="FallbackToLogsOnError")
        _secure(container, spec.security_context)
        _quicken(container)


def _quicken(container: Any) -> None:  # noqa: ANN401 - a V1Container
    """Have our start before Airflow's, whose words stay as they are: Airflow reads in them whose pod it is."""
    for words in (container.command or [], container.args or []):
        if WORKLOAD in words and "-m" in words:
            words.insert(words.index("-m") + 1, start.__name__)


def _secure(container: Any, of_pod: Any) -> None:  # noqa: ANN401 - V1Container, V1PodSecurityContext or None
    own = container.security_context = container.security_context or models.V1SecurityContext()
    if not own.privileged:  # together with it Kubernetes refuses this
        _fill(own, allow_privilege_escalation=False)
    _fill(own, capabilities=models.V1Capabilities(drop=["ALL"]))
    if not _says(of_pod, "run_as_user", "run_as_non_root") and own.run_as_user is None:
        _fill(own, run_as_non_root=True)
    if not _says(of_pod, "seccomp_profile"):
        _fill(own, seccomp_profile=models.V1SeccompProfile(type="RuntimeDefault"))


def _says(value: Any, *names: str) -> bool:  # noqa: ANN401 - any model
    return any(getattr(value, name, None) is not None for name in names)


def _fill(value: Any, **defaults: Any) -> None:  # noqa: ANN401 - any model
    for name, default in defaults.items():
        if getattr(value, name) is None:
            setattr(value, name, default)
