"""``schedule.after``: the event of a job's asset when its run has completed.

Runs in the scheduler, in the transaction that ends the run. The reports of jobs have no outlets: each would need a row
for its asset, a request more of each report, and a report fails when its asset is not active, as that of a job whose
spec was removed during the run. Here a job that no other job names costs one query per run.
"""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session, object_session

from airflow_mcp_provider.plugin.db.identity import RunRef, of_step
from airflow_mcp_provider.plugin.db.locks import savepoint
from airflow_mcp_provider.plugin.db.state_store import REPORT
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, TaskInstance
from airflow_mcp_provider.plugin.schedules.airflow_internals import (
    AssetModel,
    DagScheduleAssetReference,
    asset_manager,
)
from airflow_mcp_provider.spec.job_asset import name_and_uri

BY_ITSELF = "success"
"""The message to listeners where the scheduler ends a run; a user who marks a run has another one."""
LOCK_TIMEOUT = 30.0
"""Seconds. Another scheduler that creates the run of the last event has its row locked until it commits.

After this time the event is lost. The gate's own limit is too short: a scheduler creates runs of several DAGs at once.
"""

log = structlog.get_logger(__name__)


def completed(dag_run: DagRun, msg: str) -> None:
    """Make the event if the run has succeeded by itself and another job waits for it."""
    session = object_session(dag_run)
    if session is None or dag_run.state != DagRunState.SUCCESS or msg != BY_ITSELF:
        return
    run = RunRef(dag_run.id, dag_run.dag_id, dag_run.run_id)
    with savepoint(session, LOCK_TIMEOUT) as connection:
        number = _asset(connection, run.dag_id)
        if number is not None:
            _emit(connection, run, number)


def _asset(connection: Connection, job: str) -> int | None:
    """Return the id of the job's asset; None where no DAG waits for it."""
    name, uri = name_and_uri(job)
    query = (
        select(AssetModel.id)
        .join(DagScheduleAssetReference, DagScheduleAssetReference.asset_id == AssetModel.id)
        .where(AssetModel.name == name, AssetModel.uri == uri)
        .limit(1)
    )
    return connection.execute(query).scalar()


def _emit(connection: Connection, run: RunRef, number: int) -> None:
    # A session of its own, within the savepoint: Airflow's scheduler forbids commits of its session, and the asset
    # manager makes savepoints on databases other than Postgres.
    with Session(bind=connection, join_transaction_mode="create_savepoint") as session:
        asset_manager.register_asset_change(
            asset=session.get_one(AssetModel, number),
            task_instance=session.scalar(select(TaskInstance).where(*of_step(TaskInstance, run, REPORT))),
            session=session,
        )
        session.commit()
    log.info("job completed", job=run.dag_id, run=run.run_id)
