"""Private API of Airflow's API server that the HTTP API uses: users, permissions, sessions, runs, logs.

tests/unit/plugin/http_api/test_http_api_contract.py checks each, so that a change in Airflow fails there.
"""

from __future__ import annotations

from typing import Any

from airflow._shared.secrets_masker import secrets_masker
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.exceptions import ParamValidationError
from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.models.trigger import Trigger
from airflow.utils.log.log_reader import TaskLogReader
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from airflow_mcp_provider.plugin.db.dags import dag_bag

__all__ = [
    "BaseUser",
    "DagAccessEntity",
    "DagModel",
    "DagRunTriggeredByType",
    "DagRunType",
    "GetUserDep",
    "ParamValidationError",
    "SessionDep",
    "TaskLogReader",
    "latest_dag",
    "loaded",
    "may_read",
    "may_read_errors",
    "past_attempt",
    "readable_jobs",
    "requires_access_dag",
    "secrets_masker",
]


def may_read(user: BaseUser, dag_id: str, entity: DagAccessEntity) -> bool:
    """Whether a user may read something of a DAG."""
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    allowed: bool = get_auth_manager().is_authorized_dag(method="GET", access_entity=entity, details=details, user=user)
    return allowed


def may_read_errors(user: BaseUser) -> bool:
    """Whether a user may read import errors."""
    found: bool = get_auth_manager().is_authorized_view(access_view=AccessView.IMPORT_ERRORS, user=user)
    return found


def readable_jobs(user: BaseUser, session: Session) -> set[str]:
    """Return the ids of the DAGs that a user may read."""
    found: set[str] = get_auth_manager().get_authorized_dag_ids(user=user, method="GET", session=session)
    return found


def latest_dag(session: Session, dag_id: str) -> Any:  # noqa: ANN401 - a SerializedDAG
    """Return the latest version of a DAG; None if it was never serialized."""
    version = DagVersion.get_latest_version(dag_id, session=session)
    return None if version is None else dag_bag().get_dag(version.id, session=session)


def loaded() -> Select[Any]:
    """Select task instances with all that Airflow's log reader needs of them: it reads without a session."""
    return select(TaskInstance).options(
        joinedload(TaskInstance.dag_run),
        joinedload(TaskInstance.dag_model),
        joinedload(TaskInstance.trigger).joinedload(Trigger.triggerer_job),
    )


def past_attempt(session: Session, instance: TaskInstance, attempt: int) -> Any:  # noqa: ANN401 - a TaskInstanceHistory
    """Return an earlier attempt of a task instance; None if it is unknown."""
    query = select(TaskInstanceHistory).options(joinedload(TaskInstanceHistory.dag_run))
    names = ("dag_id", "run_id", "task_id", "map_index")
    same = [getattr(TaskInstanceHistory, name) == getattr(instance, name) for name in names]
    return session.scalars(query.where(*same, TaskInstanceHistory.try_number == attempt)).first()
