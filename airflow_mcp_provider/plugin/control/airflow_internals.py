"""Private API of Airflow that control requests use.

tests/unit/plugin/control/test_control_contract.py checks each, so that a change in Airflow fails there.
"""

from __future__ import annotations

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.taskinstance import clear_task_instances

__all__ = ["DagAccessEntity", "GetUserDep", "clear_task_instances", "requires_access_dag"]
