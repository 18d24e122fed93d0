"""The private things of Airflow's scheduler that the queue uses; the tables are in ``plugin.db.tables``.

Apart from ``plugin.growth.airflow_internals``, which pulls the API server's FastAPI in: a second and 40 MB that no
scheduler has to pay. tests/unit/plugin/queue/test_gate_contract.py names what each is relied on for: a change of
Airflow fails there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.api.common.mark_tasks import set_dag_run_state_to_failed
from airflow.models.backfill import Backfill, BackfillDagRun
from airflow.models.dag import DagModel
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import BaseSerialization
from airflow.utils.sqlalchemy import nulls_first, with_row_locks
from airflow.utils.state import DagRunState
from sqlalchemy import Connection, Select, select, text
from sqlalchemy.orm import Session

__all__ = [
    "Backfill",
    "BackfillDagRun",
    "DBDagBag",
    "DagModel",
    "SerializedDagModel",
    "default_args",
    "free",
    "guarded",
    "lock_job",
    "lock_queued",
    "nulls_first",
    "set_dag_run_state_to_failed",
]


def free(query: Any, session: Session, of: Any) -> Select[Any]:  # noqa: ANN401 - any query of a mapped class
    """Lock the rows of ``of`` that nobody has locked, as the scheduler does: nobody waits, so nobody deadlocks."""
    return with_row_locks(query, session, of=of, skip_locked=True)


def lock_job(session: Session, connection: Connection, dag_id: str) -> bool:
    """Take the job's ``DagModel`` row until the end of the transaction; False when somebody else has it."""
    query = select(DagModel.dag_id).where(DagModel.dag_id == dag_id)
    return connection.execute(free(query, session, DagModel)).first() is not None


def lock_queued(session: Session, run_id: int) -> DagRun | None:
    """Take a queued run; None when it is not queued any more, or somebody else has it."""
    query = select(DagRun).where(DagRun.id == run_id, DagRun.state == DagRunState.QUEUED)
    locked = free(query, session, DagRun).execution_options(populate_existing=True)
    return session.scalars(locked).unique().one_or_none()


@contextmanager
def guarded(session: Session, lock_timeout: float) -> Iterator[Connection]:
    """Give a connection inside the session's transaction: an error undoes what was done here, and nothing else.

    The session's own ``begin_nested`` would be refused: while the scheduler decides, every commit of its session is,
    that of a savepoint too.
    """
    session.flush()
    connection = session.connection()
    with connection.begin_nested():
        before = _limit_waiting(connection, f"{lock_timeout * 1000:.0f}ms")
        yield connection
        if before is not None:
            _limit_waiting(connection, before)


def _limit_waiting(connection: Connection, limit: str) -> str | None:
    """Set Postgres's ``lock_timeout`` for the transaction; returns what it was."""
    if connection.dialect.name != "postgresql":
        return None
    both = text("SELECT current_setting('lock_timeout'), set_config('lock_timeout', :limit, true)")
    return str(connection.execute(both, {"limit": limit}).one()[0])


def default_args(row: SerializedDagModel) -> dict[str, Any]:
    """Read a DAG's ``default_args`` without building the DAG."""
    data: Any = row.data
    found: dict[str, Any] = BaseSerialization.deserialize(data["dag"].get("default_args")) or {}
    return found
