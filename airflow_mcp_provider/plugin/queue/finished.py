"""The log line of a run that has ended, and its metric: see docs/metrics.md.

Runs in the scheduler and in the API server, in the transaction that ends the run.
"""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, func, select

from airflow_mcp_provider.plugin import metrics
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.states import RUN_ACTIVE
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState

log = structlog.get_logger(__name__)


def say(connection: Connection, run: RunRef | DagRun, state: str, reason: str) -> None:
    """Write the line, with the numbers of the other runs of the job, and count the run."""
    queued, active = _others(connection, run)
    metrics.finished(run.dag_id, state)
    log.info(
        "run finished",
        job=run.dag_id,
        run=run.run_id,
        state=state,
        reason=reason,
        queued=queued,
        running=active - queued,
    )


def _others(connection: Connection, run: RunRef | DagRun) -> tuple[int, int]:
    """Count the queued and all active runs beside ``run``, by Airflow's index of dag_id and state."""
    query = select(func.count().filter(DagRun.state == DagRunState.QUEUED), func.count()).where(
        DagRun.dag_id == run.dag_id, DagRun.state.in_(RUN_ACTIVE), DagRun.id != run.id
    )
    queued, active = connection.execute(query).one()
    return queued, active
