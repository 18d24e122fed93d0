"""Tells why a pod was not made at all: Kubernetes refused it, or what the installation does to pods raised.

The executor fails the task at once, and says why to its log and an audit entry; here the reason reaches the subtask.
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
def tell_refusals() -> None:
    """From now on this process' executor says to the subtask, too, why it fails."""
    wrap(KubernetesExecutor, "fail", telling)


def telling(method: Method) -> Method:
    """Return the executor's ``fail``, which has the exception beside the task's key where no pod could be made."""

    @wraps(method)
    def fail(executor: Any, key: Any, info: Any = None) -> Any:  # noqa: ANN401 - Airflow's
        if isinstance(info, Exception):
            try:
                _note(key, info)
            except Exception:  # the executor must go on, whatever becomes of the reason
                log.exception("why a pod was refused could not be kept")
        return method(executor, key, info)

    return fail


def _note(key: Any, error: Exception) -> None:  # noqa: ANN401 - a TaskInstanceKey
    attempt = Attempt(TaskRef.of(key), key.try_number, worker="", instance=None)
    with create_session(scoped=False) as session:
        if session.scalar(select(exists().where(DagTag.dag_id == key.dag_id, DagTag.name == JOB_TAG))):
            note(session, attempt, "", refused(_told(error)))


def _told(error: Exception) -> str:
    """Return Kubernetes' own words, of its synchronous client as of the other one."""
    try:
        return str(json.loads(getattr(error, "body", ""))["message"])
    except (KeyError, TypeError, ValueError):
        return str(error.__cause__ or error)
