"""Keep a scheduler running while the Kubernetes API is not available: its executor retries later.

Airflow's executor lists pods in three places without handling errors, so that the scheduler exits. After a restart it
adopts orphaned tasks at once, and exits again. Runs that do not need Kubernetes would stop, too.
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
"""This status and those of server errors (5xx) are temporary; other errors are raised."""

log = structlog.get_logger(__name__)


@cache
def tolerate_outages() -> None:
    """Patch the executor of this process: calls that fail because Kubernetes is not available are retried later."""
    for name, fallback in FALLBACKS.items():
        wrap(KubernetesExecutor, name, partial(tolerant, fallback=fallback))


def tolerant(method: Method, fallback: Callable[[], Any]) -> Method:
    """Wrap ``method``: it returns ``fallback()`` while Kubernetes is not available."""

    @wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Airflow's
        try:
            return method(*args, **kwargs)
        except (ApiException, HTTPError) as error:
            if isinstance(error, ApiException) and (error.status or 0) < TRANSIENT:
                raise
            log.warning("Kubernetes API not available", call=method.__name__, reason=f"{error}"[:500])
            return fallback()

    return wrapped


def _nothing() -> None: ...


def _none_to_reset() -> Sequence[Any]:
    """Return no task instances: they are checked again when the scheduler adopts orphaned tasks the next time."""
    return []


FALLBACKS: dict[str, Callable[[], Any]] = {
    "try_adopt_task_instances": _none_to_reset,
    "_adopt_completed_pods": _nothing,
    "revoke_task": _nothing,  # the pod is deleted by ``cleanup``
}
"""Methods that list pods, and their fallbacks."""
