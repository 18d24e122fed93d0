"""Private API of Airflow's scheduler that the queue uses; the tables are in ``plugin.db.tables``.

Separate from ``plugin.growth.airflow_internals``, which imports the API server's FastAPI: a second and 40 MB that a
scheduler does not need. tests/unit/plugin/queue/test_gate_contract.py checks each, so that a change in Airflow fails
there.
"""

from __future__ import annotations

from functools import cache

from airflow import settings
from airflow.dag_processing.bundles.local import LocalDagBundle
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.models.backfill import Backfill, BackfillDagRun
from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.utils.sqlalchemy import nulls_first
from airflow.utils.state import DagRunState, State
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.locks import skip_locked, wait_locked

RUN_STATE = DagRun._state  # noqa: SLF001 - the column: ``state`` is a property
SCHEDULER = "SchedulerJob"
"""The type of a scheduler's ``Job``."""
UNFINISHED = State.unfinished

__all__ = [
    "RUN_STATE",
    "UNFINISHED",
    "Backfill",
    "BackfillDagRun",
    "DagModel",
    "DagVersion",
    "dag_bag",
    "is_local",
    "lock_job",
    "lock_queued",
    "lock_run",
    "nulls_first",
    "scheduler_number",
    "session_of_thread",
]


@cache
def dag_bag() -> DBDagBag:
    """Return the DAGs of the database. One for each process; ``plugin.db.dags`` needs FastAPI."""
    return DBDagBag(load_op_links=False)


@cache
def is_local(bundle: str) -> bool:
    """Return whether a DAG bundle is a local folder; False for one that is not configured in this process."""
    manager = DagBundlesManager()  # type: ignore[no-untyped-call]  # Airflow's
    found = manager._bundle_config.get(bundle)  # noqa: SLF001 - ``get_bundle`` may open a connection
    return found is not None and issubclass(found.bundle_class, LocalDagBundle)


def lock_job(session: Session, connection: Connection, dag_id: str) -> bool:
    """Lock the job's ``DagModel`` row until the end of the transaction; returns False if it is locked already."""
    query = select(DagModel.dag_id).where(DagModel.dag_id == dag_id)
    return connection.execute(skip_locked(query, session, DagModel)).first() is not None


def lock_queued(session: Session, run_id: int) -> DagRun | None:
    """Lock a queued run and return it; None if it is not queued any more, or locked already."""
    query = select(DagRun).where(DagRun.id == run_id, DagRun.state == DagRunState.QUEUED)
    locked = skip_locked(query, session, DagRun).execution_options(populate_existing=True)
    return session.scalars(locked).unique().one_or_none()


def lock_run(session: Session, run_id: int) -> DagRun | None:
    """Wait for the lock of a run, as the scheduler takes it, and return the run; None if it was deleted."""
    query = select(DagRun).where(DagRun.id == run_id)
    locked = wait_locked(query, session, DagRun).execution_options(populate_existing=True)
    return session.scalars(locked).unique().one_or_none()


def scheduler_number(component: object) -> str | None:
    """Return the id of a scheduler's ``Job``; None for one that is starting, which has no type or no id yet.

    Read without SQLAlchemy's attributes, which may query the database in a session of another thread. Raises
    LookupError for the job of another component.
    """
    known = component.__dict__
    if known.get("job_type") not in {None, SCHEDULER}:
        raise LookupError(f"job of a {known['job_type']}; expected one of a {SCHEDULER}")
    number = known.get("id") if known.get("job_type") else None
    return None if number is None else str(number)


def session_of_thread() -> Session | None:
    """Return the session in which Airflow has a transaction in this thread; None if it has none."""
    session: Session = settings.get_session()()  # type: ignore[no-untyped-call]  # Airflow's
    return session if session.in_transaction() else None
