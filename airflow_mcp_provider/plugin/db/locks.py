"""Locks of rows: taken as the scheduler takes them, and never waited for long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.utils.sqlalchemy import with_row_locks
from sqlalchemy import Connection, Select, text
from sqlalchemy.orm import Session


def free(query: Any, session: Session, of: Any) -> Select[Any]:  # noqa: ANN401 - any query of a mapped class
    """Lock the rows of ``of`` that nobody has locked, as the scheduler does: nobody waits, so nobody deadlocks."""
    return with_row_locks(query, session, of=of, skip_locked=True)


@contextmanager
def guarded(session: Session, lock_timeout: float) -> Iterator[Connection]:
    """Give a connection inside the session's transaction: an error undoes what was done here, and nothing else.

    ``lock_timeout``: seconds. The session's own ``begin_nested`` would be refused: while the scheduler decides, every
    commit of its session is, that of a savepoint too.
    """
    session.flush()
    connection = session.connection()
    with connection.begin_nested():
        before = _set_timeout(connection, f"{lock_timeout * 1000:.0f}ms")
        yield connection
        if before is not None:
            _set_timeout(connection, before)


def limit_waiting(session: Session, milliseconds: int) -> None:
    """Let no statement of this transaction wait longer for a lock, where the database has such a limit.

    SQLAlchemy's OperationalError is raised when one does.
    """
    _set_timeout(session.connection(), f"{milliseconds}ms")


def _set_timeout(connection: Connection, limit: str) -> str | None:
    """Set Postgres's ``lock_timeout`` for the transaction; returns what it was."""
    if connection.dialect.name != "postgresql":
        return None
    both = text("SELECT current_setting('lock_timeout'), set_config('lock_timeout', :limit, true)")
    return str(connection.execute(both, {"limit": limit}).one()[0])
