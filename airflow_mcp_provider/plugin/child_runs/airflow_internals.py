"""Private API of Airflow that child runs use: to create and end a run, and to read its result.

tests/unit/test_airflow_contract.py checks each, so that a change in Airflow fails there and not in a user's run.
"""

from __future__ import annotations

from typing import Any

from airflow.api.common.mark_tasks import set_dag_run_state_to_failed
from airflow.api.common.trigger_dag import trigger_dag
from airflow.models.dag_version import DagVersion
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.dags import dag_bag

__all__ = ["DBDagBag", "declared_params", "report_of", "set_dag_run_state_to_failed", "start_run"]


def declared_params(session: Session, dag_id: str) -> frozenset[str]:
    """Return the names of the params of a job's latest DAG version; none if there is no DAG."""
    version = DagVersion.get_latest_version(dag_id, session=session)
    dag = None if version is None else dag_bag().get_dag(version.id, session=session)
    return frozenset(() if dag is None else dag.params)


def start_run(session: Session, dag_id: str, run_id: str, conf: dict[str, Any], caller: int) -> int:
    """Queue a run, as TriggerDagRunOperator does, and return its DagRun.id; raises ValueError for an invalid ``conf``.

    The triggering user is that of the run ``caller``, a DagRun.id.
    """
    user = session.scalar(select(DagRun.triggering_user_name).where(DagRun.id == caller))
    made = trigger_dag(
        dag_id=dag_id,
        run_id=run_id,
        conf=conf,
        run_type=DagRunType.OPERATOR_TRIGGERED,
        triggered_by=DagRunTriggeredByType.OPERATOR,
        triggering_user_name=user,
        session=session,
    )
    session.flush()
    return 0 if made is None else int(made.id)


def report_of(session: Session, dag_id: str, run_id: str) -> dict[str, Any] | None:
    """Return the result of a run's task ``report``, also of a failed one; None if there is none."""
    query = select(XComModel.value).where(
        XComModel.dag_id == dag_id,
        XComModel.run_id == run_id,
        XComModel.task_id == "report",
        XComModel.key.in_([XCOM_RETURN_KEY, "result"]),
    )
    row = session.execute(query).first()
    return None if row is None else dict(XComModel.deserialize_value(row))
