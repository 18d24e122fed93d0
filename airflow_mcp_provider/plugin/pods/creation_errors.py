"""Report why a pod was not created: Kubernetes rejected it, or a pod mutation hook raised.

The executor fails the task at once and writes the reason to its log and the audit log only; here the reason is stored
with the subtask.
"""

from __future__ import annotations

import json
from functools import cache, wraps
from typing import Any

import structlog
from sqlalchemy import exists, select

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db.identity import TaskRef
from airflow_mcp_provider.plugin.db.tables import DagTag, create_session
from airflow_mcp_provider.plugin.patching import Method, wrap
from airflow_mcp_provider.plugin.pods.airflow_internals import KubernetesExecutor
from airflow_mcp_provider.plugin.pods.identity import Attempt
from airflow_mcp_provider.plugin.pods.status_store import note
from airflow_mcp_provider.runtime.pod_reasons import refused

log = structlog.get_logger(__name__)


@cache
def report_creation_errors() -> None:
    """Patch the executor of this process: it stores with the subtask why its pod was not created."""
    wrap(KubernetesExecutor, "fail", reporting)


def reporting(method: Method) -> Method:
    """Wrap the executor's ``fail``, which gets the exception beside the task's key if no pod could be created."""

    @wraps(method)
    def fail(executor: Any, key: Any, info: Any = None) -> Any:  # noqa: ANN401 - Airflow's
        if isinstance(info, Exception):
            try:
                _note(key, info)
            except Exception:  # the executor must continue
                log.exception("cannot store why a pod was not created")
        return method(executor, key, info)

    return fail


def _note(key: Any, error: Exception) -> None:  # noqa: ANN401 - a TaskInstanceKey
    attempt = Attempt(TaskRef.of(key), key.try_number, worker="", instance=None)
    with create_session(scoped=False) as session:
        if session.scalar(select(exists().where(DagTag.dag_id == key.dag_id, DagTag.name == JOB_TAG))):
            note(session, attempt, "", refused(_message(error)))


def _message(error: Exception) -> str:
    """Return Kubernetes' own message, of its synchronous or asynchronous client."""
    try:
        return str(json.loads(getattr(error, "body", ""))["message"])
    except (KeyError, TypeError, ValueError):
        return str(error.__cause__ or error)
