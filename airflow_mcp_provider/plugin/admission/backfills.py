"""Remove the backfill whose runs were refused: Airflow stores it before it creates its runs, and would keep it.

Called after the rollback of these runs. As long as the row is there, Airflow refuses the next backfill of the DAG.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.admission.airflow_internals import Backfill
from airflow_mcp_provider.plugin.db.tables import DagRun


def remove(bind: Engine | Connection, number: int) -> None:
    """Remove the backfill with this id if it has no run, in a transaction of its own."""
    runs = select(DagRun.id).where(DagRun.backfill_id == number)
    with Session(bind) as session, session.begin():
        session.execute(delete(Backfill).where(Backfill.id == number, ~runs.exists()))
