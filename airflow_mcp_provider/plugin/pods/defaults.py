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
from airflow_mcp_provider.runtime import pod_defaults

MODELS = {"capabilities": models.V1Capabilities, "seccompProfile": models.V1SeccompProfile}


def dress(pod: Any, labels: Mapping[str, str], deadline: timedelta | None) -> None:  # noqa: ANN401 - a V1Pod
    """Fill in safe defaults, and the labels by which people find the pod."""
    pod.metadata.labels = {**(pod.metadata.labels or {}), **labels}
    pod.metadata.annotations = {**pod_defaults.ANNOTATIONS, **(pod.metadata.annotations or {})}
    spec = pod.spec
    _fill_words(spec, pod_defaults.SPEC)
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
    _fill_words(own, pod_defaults.security_context(_words(own), _words(of_pod)))


def _words(model: Any) -> dict[str, Any]:  # noqa: ANN401 - any model, or None
    """Return what a model says, under Kubernetes' own names."""
    if model is None:
        return {}
    values = {word: getattr(model, name) for name, word in model.attribute_map.items()}
    return {word: value for word, value in values.items() if value is not None}


def _fill_words(model: Any, defaults: Mapping[str, Any]) -> None:  # noqa: ANN401 - any model
    names = {word: name for name, word in model.attribute_map.items()}
    _fill(
        model, **{names[word]: MODELS[word](**value) if word in MODELS else value for word, value in defaults.items()}
    )


def _fill(value: Any, **defaults: Any) -> None:  # noqa: ANN401 - any model
    for name, default in defaults.items():
        if getattr(value, name) is None:
            setattr(value, name, default)
