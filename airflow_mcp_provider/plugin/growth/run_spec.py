"""The spec with which the tasks of a run are built: a runner asks for it where its own file has another one."""

from __future__ import annotations

import json

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import SPEC_KEY
from airflow_mcp_provider.plugin.db.identity import SAME_RUN, of_task, same
from airflow_mcp_provider.plugin.db.job_markers import default_args
from airflow_mcp_provider.plugin.db.tables import DagRun, TaskInstance, TaskScope
from airflow_mcp_provider.plugin.growth.airflow_internals import SerializedDagModel


def of_task_instance(session: Session, scope: TaskScope) -> str | None:
    """Return as JSON the text of the spec in the DAG version of a task instance; None where the DAG has none."""
    version = (
        select(func.coalesce(TaskInstance.dag_version_id, DagRun.created_dag_version_id))
        .join(DagRun, same(DagRun, TaskInstance, SAME_RUN))
        .where(*of_task(TaskInstance, scope))
        .scalar_subquery()
    )
    row = session.scalar(select(SerializedDagModel).where(SerializedDagModel.dag_version_id == version))
    text = None if row is None else default_args(row).get(SPEC_KEY)
    return None if text is None else json.dumps(text)
