"""A run's note: where the UI and REST show a person why a run waits, or how it ended.

A note that a person wrote stays; ours begin with one of ``OURS``.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, or_, select, update

from airflow_mcp_provider.plugin.tables import DagRunNote

WAITING = "waiting:"
OURS = (WAITING, "partial:", "failed:", "nothing to do:")
CHARS = 1000
"""Of the column."""


def ours(note: str | None) -> bool:
    """Whether a note may be replaced."""
    return note is None or note.startswith(OURS)


def put(connection: Connection, run: int, note: str) -> None:
    """Write the note of the run with this number, unless a person did."""
    mine = DagRunNote.dag_run_id == run
    now = datetime.now(UTC)
    found = connection.execute(select(DagRunNote.content).where(mine)).first()
    if found is None:
        values = {"dag_run_id": run, "content": note[:CHARS], "created_at": now, "updated_at": now}
        connection.execute(insert(DagRunNote).values(values))
    elif ours(found[0]) and found[0] != note[:CHARS]:
        connection.execute(update(DagRunNote).where(mine).values(content=note[:CHARS], updated_at=now))


def clear(connection: Connection, run: int) -> None:
    """The run starts: it waits no longer, and how it ended before it was cleared is no longer true."""
    told = or_(*(DagRunNote.content.startswith(word, autoescape=True) for word in OURS))
    connection.execute(delete(DagRunNote).where(DagRunNote.dag_run_id == run, told))
