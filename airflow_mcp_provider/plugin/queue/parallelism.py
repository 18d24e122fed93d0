"""How many tasks of a run may run at the same time, changed while it runs: a row of the run.

Airflow's scheduler limits the tasks of each run by a column of its DAG's row in ``dag``. As a job has one active run,
that column is the limit of this run: it is set when the row is written and when the run starts, and the scheduler needs
no further query. The DAG processor writes the value of the DAG into the column each time that it parses the file;
``commit_hooks`` then puts the value of the active run back, in the same transaction.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import TASK
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, Store
from airflow_mcp_provider.plugin.queue.airflow_internals import DagModel

KEY = "mcp.parallelism"


def change(session: Session, run: RunRef, limit: int | None, *, default: int, now: bool) -> None:
    """Write or remove (None) the limit of a run; ``default`` is that of its DAG; ``now``: the run is running."""
    if limit is None:
        session.execute(delete(Store).where(*_row(), Store.dag_run_id == run.id))
    else:
        state_store.write(session, run, TASK, -1, KEY, limit)
    if now:
        _set(session.connection(), run.dag_id, default if limit is None else limit)


def start(connection: Connection, run: DagRun) -> None:
    """Set the limit of a run that starts, or remove that of the run before."""
    if run.dag is not None:
        of_dag: Any = run.dag
        wanted = _limit(connection, Store.dag_run_id == run.id)
        _set(connection, run.dag_id, of_dag.max_active_tasks if wanted is None else wanted)


def of_active(connection: Connection, dag_id: str) -> int | None:
    """Return the limit that was set for the running run of a DAG; None if there is none."""
    active = select(DagRun.id).where(DagRun.dag_id == dag_id, DagRun.state == DagRunState.RUNNING)
    return _limit(connection, Store.dag_run_id.in_(active))


def of_run(connection: Connection, run: int) -> int | None:
    """Return the limit that was set for the run with this DagRun.id."""
    return _limit(connection, Store.dag_run_id == run)


def _limit(connection: Connection, which: Any) -> int | None:  # noqa: ANN401 - a condition
    found = connection.execute(select(Store.value).where(*_row(), which)).scalars().first()
    value = rows.parsed(found)
    return value if type(value) is int and value > 0 else None


def _set(connection: Connection, dag_id: str, limit: int) -> None:
    other = (DagModel.dag_id == dag_id, DagModel.max_active_tasks != limit)
    connection.execute(update(DagModel).where(*other).values(max_active_tasks=limit))


def _row() -> tuple[Any, ...]:
    return (Store.task_id == TASK, Store.map_index == -1, Store.key == KEY)
