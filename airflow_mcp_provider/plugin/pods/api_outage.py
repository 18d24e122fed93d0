"""Keeps a scheduler alive while Kubernetes does not answer: its executor waits for it, as it does when it makes a pod.

Airflow's executor lists pods in three places without expecting a failure, and the scheduler ends with the error;
started anew it looks for orphans at once, and ends again. Runs that need no Kubernetes would stand still with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial, wraps
from http import HTTPStatus
from typing import Any

import structlog
from kubernetes.client.rest import ApiException
from urllib3.exceptions import HTTPError

from airflow_mcp_provider.plugin.patching import Method, wrap
from airflow_mcp_provider.plugin.pods.airflow_internals import KubernetesExecutor

TRANSIENT = HTTPStatus.TOO_MANY_REQUESTS
"""Of the answers this one, and those of a server that is not well, pass; others are for people to see."""

log = structlog.get_logger(__name__)


@cache
def be_patient() -> None:
    """From now on this process' executor leaves for later what Kubernetes does not answer."""
    for name, otherwise in WAITS.items():
        wrap(KubernetesExecutor, name, partial(patient, otherwise=otherwise))


def patient(method: Method, otherwise: Callable[[], Any]) -> Method:
    """Return ``method``, which gives what ``otherwise`` does where Kubernetes is away."""

    @wraps(method)
    def waiting(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Airflow's
        try:
            return method(*args, **kwargs)
        except (ApiException, HTTPError) as error:
            if isinstance(error, ApiException) and (error.status or 0) < TRANSIENT:
                raise
            log.warning("Kubernetes does not answer", to=method.__name__, reason=f"{error}"[:500])
            return otherwise()

    return waiting


def _nothing() -> None: ...


def _none_to_reset() -> Sequence[Any]:
    """Each is looked at again at the next look for orphans."""
    return []


WAITS: dict[str, Callable[[], Any]] = {
    "try_adopt_task_instances": _none_to_reset,
    "_adopt_completed_pods": _nothing,
    "revoke_task": _nothing,  # a pod that is left over is swept away
}
"""Methods that list pods, and what they do instead."""
