"""Notifications for a run that failed after its start, without a call of its notifiers by its report.

Runs in the scheduler: ``plugin.listener`` calls it in the transaction that ends the run.
"""

from __future__ import annotations

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, object_session

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import rows, run_end
from airflow_mcp_provider.plugin.db.identity import PLACE, RunRef, of_run, same
from airflow_mcp_provider.plugin.db.locks import savepoint
from airflow_mcp_provider.plugin.db.states import FAILED
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunNote, DagRunState, Store, TaskInstance
from airflow_mcp_provider.plugin.growth import outcomes
from airflow_mcp_provider.plugin.notices import requests
from airflow_mcp_provider.plugin.notices.airflow_internals import notified
from airflow_mcp_provider.plugin.queue.termination import BY_ITSELF, TIMED_OUT
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.plugin.status.reasons import NOT_REPORTED
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.answer_types import FailedSubtask
from airflow_mcp_provider.runtime.notice import ERRORS, Notice, SubtaskCounts
from airflow_mcp_provider.spec.step import RUN


def ended(dag_run: DagRun, msg: str, settings: GateSettings) -> None:
    """Request the call of the notifiers if the run failed; ``msg`` is the message to listeners.

    A run that a user ended, or marked as failed, did not fail.
    """
    session = object_session(dag_run)
    if session is None or dag_run.state != DagRunState.FAILED or msg not in {*BY_ITSELF, TIMED_OUT}:
        return
    run = RunRef(dag_run.id, dag_run.dag_id, dag_run.run_id)
    with savepoint(session, settings.lock_timeout) as connection:
        if notified(session, run) == "failure":
            return
        plain = requests.notice(run, "failure", "failed", _reason(session, run))
        requests.put(connection, run, with_facts(session, run, plain))


def _reason(session: Session, run: RunRef) -> str:
    end = run_end.of_run(session.connection(), run.id)
    if end is not None:
        return end.text
    note = session.scalar(select(DagRunNote.content).where(DagRunNote.dag_run_id == run.id)) or ""
    text = note.partition("\n")[0]
    return text.removeprefix("failed:").strip() if text.startswith("failed:") else NOT_REPORTED


def with_facts(session: Session, run: RunRef, plain: Notice) -> Notice:
    """Add the counts of the run's subtasks and the first errors, as far as its rows can be read."""
    try:
        found = outcomes.counts(session, run)
    except InvalidRow:
        return plain
    counts = SubtaskCounts(found.reserved, found.succeeded, found.failed, found.skipped)
    return replace(plain, counts=counts, errors=_errors(session, run))


def _errors(session: Session, run: RunRef) -> list[FailedSubtask]:
    """Return the first failures, without those inside of batches."""
    item = aliased(Store)
    query = (
        select(TaskInstance.task_id, TaskInstance.map_index, item.value, Store.value)
        .join(
            Store, (Store.dag_run_id == run.id) & (Store.key == store_keys.OUTCOME) & same(Store, TaskInstance, PLACE)
        )
        .join(item, (item.dag_run_id == run.id) & (item.key == store_keys.ITEM) & same(item, TaskInstance, PLACE))
        .where(*of_run(TaskInstance, run), TaskInstance.state.in_(FAILED), TaskInstance.map_index >= 0)
        .order_by(TaskInstance.task_id, TaskInstance.map_index)
        .limit(ERRORS)
    )
    return [made for row in session.execute(query) if (made := _error(*row)) is not None]


def _error(step: str, index: int, item: str, text: str) -> FailedSubtask | None:
    outcome = rows.outcome(text)
    if outcome is None or outcome.error is None:
        return None
    key = rows.key_of(rows.parsed(item), step, index)
    error = outcome.error
    return FailedSubtask(key, error.type, error.message[:500], None if step == RUN else step)
