"""Runs that were made for a subtask of another job: who wants them still, and the end of those whom nobody does.

``end_abandoned`` runs in the scheduler's regular look (``plugin.scheduler``): a caller may end in many ways, by its own
failure, a person's cancel, a time limit, a stop; what is looked at here is only whether it is still there to take the
result.
"""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.child_runs.airflow_internals import DBDagBag, set_dag_run_state_to_failed
from airflow_mcp_provider.plugin.db import rows, run_notes
from airflow_mcp_provider.plugin.db.identity import PLACE, SAME_RUN, same
from airflow_mcp_provider.plugin.db.locks import guarded
from airflow_mcp_provider.plugin.db.rows import Caller
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.states import OVER, RUN_ACTIVE, RUN_ENDED
from airflow_mcp_provider.plugin.db.tables import DagRun, Store, TaskInstance
from airflow_mcp_provider.plugin.queue.termination import ended
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.runtime import protocol

MADE = "subtask__"
"""So begins the id of a run that was made for a subtask: the row of no other run is believed."""
REASON = "failed: the subtask that this run was made for is over"

log = structlog.get_logger(__name__)


def end_abandoned(session: Session, settings: GateSettings) -> None:
    """End every active run whose caller is over; a lock that another one holds is not waited for long.

    What goes wrong at one run is logged, and the next one is looked at.
    """
    query = (
        select(DagRun.id, DagRun.dag_id, DagRun.run_id, Store.value)
        .join(Store, (Store.dag_run_id == DagRun.id) & (Store.key == protocol.CALLER))
        .where(Store.task_id == PLAN, Store.map_index == -1, DagRun.run_id.startswith(MADE, autoescape=True))
        .where(DagRun.state.in_(RUN_ACTIVE))
    )
    for number, dag_id, run_id, value in session.execute(query).all():
        try:
            _look_at(session, session.get_one(DagRun, number), value, settings)
            session.commit()
        except Exception:
            session.rollback()
            log.exception("it is not known whether a run is still wanted", job=dag_id, run=run_id)


def _look_at(session: Session, run: DagRun, value: str, settings: GateSettings) -> None:
    caller = Caller.of(rows.parsed(value))
    with guarded(session, settings.lock_timeout) as connection:
        wanted = _is_wanted(connection, run, caller)
        if not wanted:
            _end(session, run)
            session.flush()
    if not wanted:
        ended(run, REASON, settings)


def _is_wanted(connection: Connection, run: DagRun, caller: Caller) -> bool:
    """Whether the caller is at it, and waits for this run: one that is planned or tried again may have another."""
    query = (
        select(DagRun.state, TaskInstance.state, Store.value)
        .join(TaskInstance, same(TaskInstance, DagRun, SAME_RUN))
        .join(
            Store, (Store.dag_run_id == DagRun.id) & same(Store, TaskInstance, PLACE) & (Store.key == protocol.CALLED)
        )
        .where(DagRun.id == caller.run)
        .where(TaskInstance.task_id == caller.task_id, TaskInstance.map_index == caller.map_index)
    )
    found = connection.execute(query).first()
    if found is None or found[0] in RUN_ENDED or found[1] in OVER:
        return False
    called = rows.parsed(found[2])
    return not isinstance(called, dict) or (called.get("job"), called.get("run")) == (run.dag_id, run.run_id)


def _end(session: Session, run: DagRun) -> None:
    dag = DBDagBag(load_op_links=False).get_dag_for_run(run, session=session)
    if dag is None:
        return
    set_dag_run_state_to_failed(dag=dag, run_id=run.run_id, commit=True, session=session)
    run_notes.put(session.connection(), run.id, REASON)
    log.warning("run ended", job=run.dag_id, run=run.run_id, reason=REASON)
