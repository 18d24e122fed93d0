"""Private API of Airflow that child runs use: to create a run, and to read its result.

tests/unit/test_airflow_contract.py checks each, so that a change in Airflow fails there and not in a user's run.
"""

from __future__ import annotations

from typing import Any

from airflow.models.dag_version import DagVersion
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.dags import dag_bag

__all__ = ["declared_params", "report_of", "start_run"]


def declared_params(session: Session, dag_id: str) -> frozenset[str]:
    """Return the names of the params of a job's latest DAG version; none if there is no DAG."""
    dag = _latest(session, dag_id)
    return frozenset(() if dag is None else dag.params)


def start_run(session: Session, dag_id: str, run_id: str, conf: dict[str, Any], user: str | None) -> int:
    """Queue a run, as TriggerDagRunOperator does; returns its DagRun.id. Raises ValueError for an invalid ``conf``.

    Not by Airflow's ``trigger_dag``: that opens a second session, with a second connection.
    """
    if (dag := _latest(session, dag_id)) is None:
        raise ValueError(f"DAG {dag_id} does not exist")
    made = dag.create_dagrun(
        run_id=run_id,
        run_after=clock.now(),
        conf=conf,
        run_type=DagRunType.OPERATOR_TRIGGERED,
        triggered_by=DagRunTriggeredByType.OPERATOR,
        triggering_user_name=user,
        state=DagRunState.QUEUED,
        session=session,
    )
    session.flush()
    return int(made.id)


def _latest(session: Session, dag_id: str) -> Any:  # noqa: ANN401 - a SerializedDAG
    version = DagVersion.get_latest_version(dag_id, session=session)
    return None if version is None else dag_bag().get_dag(version.id, session=session)


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
