"""A run's note: where the UI and REST show a person why a run waits, or how it ended.

A note that a person wrote stays; ours begin with one of ``OURS``.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, delete, insert, or_, select, update

from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.tables import DagRunNote
from airflow_mcp_provider.runtime import markdown, redaction
from airflow_mcp_provider.spec import printable

WAITING = "waiting:"
OURS = (WAITING, "partial:", "failed:", "cancelled:", "nothing to do:")
CHARS = 1000
"""Of the column."""


def ours(note: str | None) -> bool:
    """Whether a note may be replaced."""
    return note is None or note.startswith(OURS)


def shown(note: str) -> str:
    """Return a note as it is kept: without secrets, of our own words and of data that is never syntax of Markdown.

    Its first line begins with our own words; whatever else is in it may be data.
    """
    first, *more = redaction.text(note)[: 4 * CHARS].splitlines() or [""]
    text = "\n".join(line for line in [_first(first), *map(markdown.line, more)] if line)
    cut = text if len(text) <= CHARS else text[: CHARS - 1]
    return f"{cut}`" if cut.count("`") % 2 else cut


def _first(line: str) -> str:
    """Keep as much of our own words as stands before the data: up to the last colon."""
    text = printable(line[:CHARS]).strip()
    words = [text[: colon.start() + 1] for colon in re.finditer(r"(?<=\w): ", text)]
    head = next((one for one in reversed(words) if markdown.is_plain(one)), "")
    if not head or markdown.is_plain(text):
        return markdown.line(text)
    return f"{head} {markdown.code(text.removeprefix(head))}"


def put(connection: Connection, run: int, note: str) -> None:
    """Write the note of the run with this number, unless a person did; an empty one removes ours."""
    if not note:
        clear(connection, run)
        return
    note = shown(note)
    mine = DagRunNote.dag_run_id == run
    now = clock.now()
    found = connection.execute(select(DagRunNote.content).where(mine)).first()
    if found is None:
        values = {"dag_run_id": run, "content": note, "created_at": now, "updated_at": now}
        connection.execute(insert(DagRunNote).values(values))
    elif ours(found[0]) and found[0] != note:
        connection.execute(update(DagRunNote).where(mine).values(content=note, updated_at=now))


def clear(connection: Connection, run: int) -> None:
    """The run starts: it waits no longer, and how it ended before it was cleared is no longer true."""
    written_by_us = or_(*(DagRunNote.content.startswith(word, autoescape=True) for word in OURS))
    connection.execute(delete(DagRunNote).where(DagRunNote.dag_run_id == run, written_by_us))
