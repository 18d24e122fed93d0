"""A job whose spec is not valid goes on with the last version that was.

Airflow's DAG processor marks a DAG as stale that was not among the results of its file for ``[dag_processor]
stale_dag_threshold`` seconds (50). A stale DAG gets no runs, and its active runs stop. The processor calls a listener
for each import error after each parse, so the job of a spec with an import error is marked as parsed then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.locks import skip_locked
from airflow_mcp_provider.plugin.db.tables import DagTag, create_session
from airflow_mcp_provider.plugin.queue.airflow_internals import DagModel, session_of_thread
from airflow_mcp_provider.spec.folder import ENDINGS


def keep(filename: str) -> None:
    """Keep the job whose spec has an import error; ``filename`` is the path of the file, below that of its bundle.

    In a transaction of its own, but see ``_session``. A row that is locked is left out: the processor writes a valid
    job of the same id.
    """
    path = PurePath(filename)
    if path.suffix not in ENDINGS:
        return
    tagged = DagModel.tags.any(DagTag.name == JOB_TAG)
    query = select(DagModel.dag_id, DagModel.fileloc, DagModel.relative_fileloc).where(DagModel.dag_id == path.stem)
    with _session() as session:
        row = session.execute(skip_locked(query.where(tagged), session, DagModel)).first()
        if row is not None and filename.startswith((row.fileloc or "").removesuffix(row.relative_fileloc or "")):
            values = {"last_parsed_time": clock.now(), "is_stale": False, "has_import_errors": False}
            session.execute(update(DagModel).where(DagModel.dag_id == path.stem).values(values))


@contextmanager
def _session() -> Iterator[Session]:
    """Yield a session of its own; with SQLite that of the parse, whose transaction has the lock of the database."""
    parse = session_of_thread()
    if parse is not None and parse.get_bind().dialect.name == "sqlite":
        yield parse
        return
    with create_session(scoped=False) as own:
        yield own
