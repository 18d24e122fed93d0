"""Row locks: acquired as Airflow's scheduler does, and without waiting for long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.utils.sqlalchemy import with_row_locks
from sqlalchemy import Connection, Select, text
from sqlalchemy.orm import Session


def skip_locked(query: Any, session: Session, of: Any) -> Select[Any]:  # noqa: ANN401 - any query of a mapped class
    """Return the query with ``SKIP LOCKED`` for the rows of ``of``, as the scheduler does: no waiting, no deadlock."""
    return with_row_locks(query, session, of=of, skip_locked=True)


def wait_locked(query: Any, session: Session, of: Any) -> Select[Any]:  # noqa: ANN401 - likewise
    """Return the query with a lock for the rows of ``of``; see ``limit_waiting`` for how long it waits."""
    return with_row_locks(query, session, of=of)


@contextmanager
def savepoint(session: Session, lock_timeout: float) -> Iterator[Connection]:
    """Yield a connection with a savepoint in the session's transaction: an error rolls back to the savepoint only.

    ``lock_timeout``: seconds. The session's own ``begin_nested`` cannot be used: Airflow's scheduler forbids commits of
    its session, including the release of a savepoint.
    """
    session.flush()
    connection = session.connection()
    with connection.begin_nested():
        before = _set_timeout(connection, f"{lock_timeout * 1000:.0f}ms")
        yield connection
        if before is not None:
            _set_timeout(connection, before)


def limit_waiting(session: Session, milliseconds: int) -> None:
    """Limit the time that a statement of this transaction waits for a lock, if the database supports it (Postgres).

    SQLAlchemy raises OperationalError when a statement waits longer.
    """
    _set_timeout(session.connection(), f"{milliseconds}ms")


def _set_timeout(connection: Connection, limit: str) -> str | None:
    """Set Postgres's ``lock_timeout`` for the transaction; returns the old value."""
    if connection.dialect.name != "postgresql":
        return None
    both = text("SELECT current_setting('lock_timeout'), set_config('lock_timeout', :limit, true)")
    return str(connection.execute(both, {"limit": limit}).one()[0])
