"""Small changes of a run or a job: priority, parallelism, pause, and the removal of an ended run."""

from __future__ import annotations

from functools import partial

import structlog
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.control import find
from airflow_mcp_provider.plugin.control.refused import conflict
from airflow_mcp_provider.plugin.control.worker import carry_out
from airflow_mcp_provider.plugin.db import clock, run_end
from airflow_mcp_provider.plugin.db.dags import dag_bag
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.states import RUN_ACTIVE
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState
from airflow_mcp_provider.plugin.queue import parallelism
from airflow_mcp_provider.plugin.queue.airflow_internals import DagModel, lock_run
from airflow_mcp_provider.plugin.queue.working import keep_slot
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.spec.marker import PRIORITY

log = structlog.get_logger(__name__)


async def set_priority(dag_id: str, run_id: str, priority: int) -> None:
    """Change the priority of a queued run; raises ControlRefused for a run in another state."""
    await carry_out(partial(_set_priority, dag_id, run_id, priority))


def _set_priority(dag_id: str, run_id: str, priority: int, session: Session) -> None:
    run = _locked(session, find.run(session, dag_id, run_id))
    if run.state != DagRunState.QUEUED:
        raise conflict("not_queued", f"run {run_id} of job {dag_id} is {run.state}; only a queued run has a priority")
    run.conf = {**(run.conf or {}), PRIORITY: priority}
    log.info("priority changed", job=dag_id, run=run_id, priority=priority)


async def set_parallelism(dag_id: str, run_id: str, limit: int | None) -> None:
    """Change how many tasks of an active run may run at once; None: as the spec says. Raises ControlRefused."""
    await carry_out(partial(_set_parallelism, dag_id, run_id, limit))


def _set_parallelism(dag_id: str, run_id: str, limit: int | None, session: Session) -> None:
    ref = find.run(session, dag_id, run_id)
    run = _locked(session, ref)
    if run.state not in RUN_ACTIVE:
        raise conflict("ended", f"run {run_id} of job {dag_id} has ended")
    dag = dag_bag().get_dag_for_run(run, session=session)
    running = run.state == DagRunState.RUNNING
    parallelism.change(session, ref, limit, default=dag.max_active_tasks, now=running)
    log.info("parallelism changed", job=dag_id, run=run_id, parallelism=limit)


async def set_paused(dag_id: str, *, paused: bool) -> None:
    """Pause a job, or resume it: while it is paused no run and no task of it starts. Raises ControlRefused."""
    await carry_out(partial(_set_paused, dag_id, paused=paused))


def _set_paused(dag_id: str, session: Session, *, paused: bool) -> None:
    session.execute(update(DagModel).where(DagModel.dag_id == find.job(session, dag_id)).values(is_paused=paused))
    log.info("job paused" if paused else "job resumed", job=dag_id)


async def remove(dag_id: str, run_id: str) -> None:
    """Delete an ended run with everything that is known of it.

    Raises ControlRefused for an active one, and for one whose processes may work: they would lose their grace.
    """
    await carry_out(partial(_remove, dag_id, run_id))


def _remove(dag_id: str, run_id: str, session: Session) -> None:
    ref = find.run(session, dag_id, run_id)
    if _locked(session, ref).state in RUN_ACTIVE:
        raise conflict("not_ended", f"run {run_id} of job {dag_id} has not ended; cancel it first")
    end = run_end.latest(session.connection(), ref.id)
    if end and end.until and end.ending(clock.now()):
        text = f"processes of run {run_id} of job {dag_id} may work until {end.until:%H:%M:%S} UTC; delete it then"
        raise conflict("ending", text)
    keep_slot(session.connection(), ref, GateSettings.read().end_grace)
    session.execute(delete(DagRun).where(DagRun.id == ref.id).execution_options(synchronize_session=False))
    log.info("run deleted", job=dag_id, run=run_id)


def _locked(session: Session, run: RunRef) -> DagRun:
    return lock_run(session, run.id) or find.gone(run)
