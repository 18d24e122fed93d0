"""End child runs whose subtask has ended.

``end_abandoned`` runs in the scheduler's regular check (``plugin.scheduler``). A calling subtask may end in many ways:
a failure, a cancel, a time limit, a stop. Here it is only checked whether it still waits for the result.
"""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import rows
from airflow_mcp_provider.plugin.db.identity import PLACE, SAME_RUN, RunRef, same
from airflow_mcp_provider.plugin.db.locks import limit_waiting
from airflow_mcp_provider.plugin.db.rows import Caller
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.states import OVER, RUN_ACTIVE, RUN_ENDED
from airflow_mcp_provider.plugin.db.tables import DagRun, Store, TaskInstance
from airflow_mcp_provider.plugin.queue.cancel import end_run
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.runtime import store_keys

RUN_ID_PREFIX = "subtask__"
"""The prefix of the run_id of a child run; rows of other runs are ignored."""
REASON = "the subtask that started this run has ended"

log = structlog.get_logger(__name__)


def end_abandoned(session: Session, settings: GateSettings) -> None:
    """End every active child run whose subtask has ended; waits for locks only for ``settings.lock_timeout``.

    An error of one run is logged, and the next run is checked.
    """
    query = (
        select(DagRun.id, DagRun.dag_id, DagRun.run_id, Store.value)
        .join(Store, (Store.dag_run_id == DagRun.id) & (Store.key == store_keys.CALLER))
        .where(Store.task_id == PLAN, Store.map_index == -1, DagRun.run_id.startswith(RUN_ID_PREFIX, autoescape=True))
        .where(DagRun.state.in_(RUN_ACTIVE))
    )
    for number, dag_id, run_id, value in session.execute(query).all():
        try:
            _look_at(session, RunRef(number, dag_id, run_id), value, settings)
            session.commit()
        except Exception:
            session.rollback()
            log.exception("cannot check whether a child run is still needed", job=dag_id, run=run_id)


def _look_at(session: Session, run: RunRef, value: str, settings: GateSettings) -> None:
    limit_waiting(session, round(1000 * settings.lock_timeout))
    if not _is_wanted(session.connection(), run, Caller.of(rows.parsed(value))):
        end_run(session, run, End(Reason.CANCELLED, REASON), settings.end_grace)


def _is_wanted(connection: Connection, run: RunRef, caller: Caller) -> bool:
    """Return whether the subtask is active and waits for this run; after a retry it may wait for another run."""
    query = (
        select(DagRun.state, TaskInstance.state, Store.value)
        .join(TaskInstance, same(TaskInstance, DagRun, SAME_RUN))
        .join(
            Store, (Store.dag_run_id == DagRun.id) & same(Store, TaskInstance, PLACE) & (Store.key == store_keys.CALLED)
        )
        .where(DagRun.id == caller.run)
        .where(TaskInstance.task_id == caller.task_id, TaskInstance.map_index == caller.map_index)
    )
    found = connection.execute(query).first()
    if found is None or found[0] in RUN_ENDED or found[1] in OVER:
        return False
    called = rows.parsed(found[2])
    return not isinstance(called, dict) or (called.get("job"), called.get("run")) == (run.dag_id, run.run_id)
