"""Airflow's tables, and its sessions, that more than one part of the plugin touches.

What only one part touches of Airflow is in that part's ``seam``. A scheduler loads this, too: nothing of the API
server's framework comes with it.
"""

from __future__ import annotations

from airflow.models.dag import DagTag
from airflow.models.dagrun import DagRun, DagRunNote
from airflow.models.log import Log
from airflow.models.task_state_store import TaskStateStoreModel as Store
from airflow.models.taskinstance import TaskInstance
from airflow.state import TaskScope
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState

__all__ = [
    "DagRun",
    "DagRunNote",
    "DagRunState",
    "DagTag",
    "Log",
    "Store",
    "TaskInstance",
    "TaskInstanceState",
    "TaskScope",
    "create_session",
]
