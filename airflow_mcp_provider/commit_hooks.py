"""Hooks of SQLAlchemy that hold every new run of a job against the rules of its queue, before the commit.

``before_flush`` notes the new runs, ``before_commit`` decides. The lock of the job is taken last, when the transaction
has nothing left to wait for: counting and creating cannot race, and whoever holds the lock is about to commit. A lock
that is taken early in a request would stop the API server: all connections would wait for threads that wait for them.

Two more things are done in the transaction of others: a run that is deleted while its tasks work keeps the slot of its
job, and the DAG processor leaves the parallelism that a user has set for the active run of a job.

Registered by ``policy``, which Airflow loads in every process before it opens its database, runners included: so this
module is not in ``plugin/``, which imports more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import NEW_RUNS, REFUSED_BACKFILL

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

RUN, DAG, LIMIT = "DagRun", "DagModel", "max_active_tasks"
AIRFLOWS = "airflow.models."
OF_SCHEDULER = frozenset({"scheduled", "asset_triggered"})
"""The types of runs that the scheduler creates. No user has submitted them, so none is refused."""


def install() -> None:
    """Register the hooks; a second call has no effect."""
    if not event.contains(Session, "before_commit", before_commit):
        event.listen(Session, "before_flush", before_flush)
        event.listen(Session, "before_commit", before_commit)
        event.listen(Session, "after_soft_rollback", after_rollback)


def before_flush(session: Session, *_: Any) -> None:
    """Note the new runs. Airflow's models are not imported: most sessions create no run."""
    if found := [new for new in session.new if _is_of(new, RUN) and new.run_type not in OF_SCHEDULER]:
        session.info.setdefault(NEW_RUNS, []).extend(found)
    if gone := [one for one in session.deleted if _is_of(one, RUN)]:
        _keep_slots(session, gone)
    if limited := [one for one in session.dirty if _is_of(one, DAG) and _is_limited(one)]:
        _keep_limits(session, limited)


def _is_of(one: object, model: str) -> bool:
    """Whether it is an object of this model of Airflow; users have models of the same name, or for the same table."""
    return type(one).__name__ == model and type(one).__module__.startswith(AIRFLOWS)


def _is_limited(dag: object) -> bool:
    return bool(inspect(dag).attrs[LIMIT].history.has_changes())


def _keep_slots(session: Session, runs: Sequence[DagRun]) -> None:
    from airflow_mcp_provider.plugin.queue.working import keep_slots  # noqa: PLC0415 - see before_flush

    keep_slots(session, runs)


def _keep_limits(session: Session, dags: Iterable[Any]) -> None:
    from airflow_mcp_provider.plugin.queue import parallelism  # noqa: PLC0415 - see before_flush

    for dag in dags:
        if (limit := parallelism.of_active(session.connection(), dag.dag_id)) is not None:
            dag.max_active_tasks = limit


def before_commit(session: Session) -> None:
    """Accept the new runs, or raise RunRefused, after which the caller rolls back."""
    if session.in_nested_transaction():
        return  # the end of a savepoint; the transaction goes on
    if session.new or NEW_RUNS in session.info:
        session.flush()  # what is written after the lock of the job could wait for the lock of a row
    if found := session.info.get(NEW_RUNS):
        from airflow_mcp_provider.plugin.admission.admit import admit  # noqa: PLC0415 - see before_flush

        admit(session, _there(session, found))
    session.info.pop(NEW_RUNS, None)  # not before: after a refusal a second commit is refused, too


def after_rollback(session: Session, _: object) -> None:
    """Forget the runs of a transaction that was rolled back; those of a savepoint are looked up at the commit."""
    if session.in_transaction():
        return
    session.info.pop(NEW_RUNS, None)
    if (number := session.info.pop(REFUSED_BACKFILL, None)) is not None:
        from airflow_mcp_provider.plugin.admission import backfills  # noqa: PLC0415 - see before_flush

        backfills.remove(session.get_bind(), number)


def _there(session: Session, runs: Iterable[DagRun]) -> list[DagRun]:
    """Leave out the runs whose savepoint was rolled back."""
    return [run for run in runs if run in session]
