"""Whether tasks of a run work; and the slot of runs that are deleted meanwhile: no other row would show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InstallationError
from airflow_mcp_provider.plugin.db import clock, run_end
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run
from airflow_mcp_provider.plugin.db.job_markers import markers
from airflow_mcp_provider.plugin.db.states import DISPATCHED
from airflow_mcp_provider.plugin.db.tables import DagRun, TaskInstance
from airflow_mcp_provider.plugin.settings import GateSettings

log = structlog.get_logger(__name__)


def works(connection: Connection, run: RunRef | DagRun) -> bool:
    """Whether any task of the run is dispatched, whatever the state of the run."""
    query = select(TaskInstance.id).where(*of_run(TaskInstance, run), TaskInstance.state.in_(DISPATCHED))
    return connection.execute(query.limit(1)).first() is not None


def keep_slots(session: Session, runs: Sequence[DagRun]) -> None:
    """Keep the slots of those runs that are of jobs; with invalid settings none: the gate lets no run start then."""
    jobs = markers(session, sorted({run.dag_id for run in runs}))
    try:
        grace = GateSettings.read().end_grace if jobs else 0
    except InstallationError as error:
        log.warning("the slot of a deleted run is not kept", reason=str(error))
        return
    for run in runs:
        if run.dag_id in jobs:
            keep_slot(session.connection(), run, grace)


def keep_slot(connection: Connection, run: RunRef | DagRun, end_grace: float) -> None:
    """Hold the slot for ``end_grace`` seconds if a task of the run is dispatched: its runner hears that it is gone."""
    if end_grace and works(connection, run):
        run_end.hold(connection, run.dag_id, run.run_id, clock.now() + timedelta(seconds=end_grace))
