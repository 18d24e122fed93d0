"""Airflow's tables and sessions that more than one package of the plugin uses.

What only one package uses of Airflow is in its ``airflow_internals``. A scheduler loads this module, too, so it does
not import the API server's framework.
"""

from __future__ import annotations

from airflow.models.dag import DagTag
from airflow.models.dagrun import DagRun, DagRunNote
from airflow.models.log import Log
from airflow.models.task_state_store import TaskStateStoreModel as Store
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.state import TaskScope
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunType

__all__ = [
    "DagRun",
    "DagRunNote",
    "DagRunState",
    "DagRunType",
    "DagTag",
    "Log",
    "Store",
    "TaskInstance",
    "TaskInstanceHistory",
    "TaskInstanceState",
    "TaskScope",
    "create_session",
]
