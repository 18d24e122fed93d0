"""What the triggers of this package use of Airflow's private interfaces, named in ``test_trigger_contract.py``.

A trigger has no database: it sends requests to the triggerer's main process, as the task SDK does for tasks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import greenback
from airflow.configuration import conf
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import DRCount, GetDRCount
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_mcp_provider.errors import TryAgain

__all__ = ["BaseEventTrigger", "TriggerEvent", "allow_sync_calls", "count_runs", "dag_folders"]

ACTIVE = ("queued", "running")
_LOCAL = ".LocalDagBundle"


async def count_runs(job: str, states: Sequence[str] | None = None) -> int:
    """Count the runs of a DAG in these states, by default all; raises TryAgain when the server does not answer."""
    message = GetDRCount(dag_id=job, states=None if states is None else [*states])
    comms: Any = task_runner.SUPERVISOR_COMMS
    reply = await comms.asend(message)
    if not isinstance(reply, DRCount):
        raise TryAgain(f"cannot count the runs of {job}: {reply!r:.300}")
    return int(reply.count)


def allow_sync_calls(task: asyncio.Task[Any]) -> None:
    """Let a task of a trigger read connections as the trigger itself may: by synchronous calls, as hooks of Redis do.

    Airflow's triggerer makes a greenback portal for its own tasks, unless AIRFLOW_DISABLE_GREENBACK_PORTAL is set.
    """
    if greenback.has_portal():
        greenback.bestow_portal(task)


def dag_folders() -> tuple[str, ...]:
    """Return the folders of the local DAG bundles that exist on this host: Airflow imports jobs' functions there."""
    default = conf.get("core", "dags_folder")
    paths = [*_bundle_folders(default), default]
    return tuple(dict.fromkeys(path for path in paths if Path(path).is_dir()))


def _bundle_folders(default: str) -> list[str]:
    """Read ``[dag_processor] dag_bundle_config_list``; other kinds of bundles have no folder on every host."""
    bundles: Any = json.loads(conf.get("dag_processor", "dag_bundle_config_list", fallback="") or "[]")
    local = [one for one in bundles if str(one.get("classpath", "")).endswith(_LOCAL)]
    return [(one.get("kwargs") or {}).get("path") or default for one in local]
