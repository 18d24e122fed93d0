"""Defaults of a job's pods, for fields that neither its spec nor the installation's pod template sets.

They are applied last. An installation that needs other values sets them once, in its pod template.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from kubernetes.client import models

from airflow_mcp_provider import start
from airflow_mcp_provider.plugin.pods.airflow_internals import WORKLOAD
from airflow_mcp_provider.runtime import pod_defaults

MODELS = {"capabilities": models.V1Capabilities, "seccompProfile": models.V1SeccompProfile}


def set_defaults(pod: Any, labels: Mapping[str, str], deadline: timedelta | None) -> None:  # noqa: ANN401 - a V1Pod
    """Set safe defaults, the labels by which people find the pod, and ``activeDeadlineSeconds``."""
    pod.metadata.labels = {**(pod.metadata.labels or {}), **labels}
    pod.metadata.annotations = {**pod_defaults.ANNOTATIONS, **(pod.metadata.annotations or {})}
    spec = pod.spec
    _fill_fields(spec, pod_defaults.SPEC)
    if deadline is not None:
        _fill(spec, active_deadline_seconds=int(deadline.total_seconds()))
    for container in spec.containers:
        # The last lines of a runner that dies before it reaches Airflow; the pod's log is deleted with the pod.
        _fill(container, termination_message_policy="FallbackToLogsOnError")
        _secure(container, spec.security_context)
        _use_fast_start(container)


def _use_fast_start(container: Any) -> None:  # noqa: ANN401 - a V1Container
    """Insert our start module before Airflow's; Airflow's arguments stay, because Airflow reads the task from them."""
    for arguments in (container.command or [], container.args or []):
        if WORKLOAD in arguments and "-m" in arguments:
            arguments.insert(arguments.index("-m") + 1, start.__name__)


def _secure(container: Any, of_pod: Any) -> None:  # noqa: ANN401 - V1Container, V1PodSecurityContext or None
    own = container.security_context = container.security_context or models.V1SecurityContext()
    _fill_fields(own, pod_defaults.security_context(_fields(own), _fields(of_pod)))


def _fields(model: Any) -> dict[str, Any]:  # noqa: ANN401 - any model, or None
    """Return the set fields of a model, under their names in the Kubernetes API."""
    if model is None:
        return {}
    values = {field: getattr(model, name) for name, field in model.attribute_map.items()}
    return {field: value for field, value in values.items() if value is not None}


def _fill_fields(model: Any, defaults: Mapping[str, Any]) -> None:  # noqa: ANN401 - any model
    names = {field: name for name, field in model.attribute_map.items()}
    made = {field: MODELS[field](**value) if field in MODELS else value for field, value in defaults.items()}
    _fill(model, **{names[field]: value for field, value in made.items()})


def _fill(value: Any, **defaults: Any) -> None:  # noqa: ANN401 - any model
    for name, default in defaults.items():
        if getattr(value, name) is None:
            setattr(value, name, default)
