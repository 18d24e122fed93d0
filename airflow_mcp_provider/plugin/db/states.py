"""Sets of Airflow's states, by what they mean to a job."""

from __future__ import annotations

from airflow_mcp_provider.plugin.db.tables import DagRunState, TaskInstanceState

RUN_ACTIVE = (DagRunState.QUEUED, DagRunState.RUNNING)
RUN_ENDED = (DagRunState.SUCCESS, DagRunState.FAILED)

FAILED = (TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED)
ENDED = (*FAILED, TaskInstanceState.SUCCESS, TaskInstanceState.SKIPPED)
OVER = (*ENDED, TaskInstanceState.REMOVED)
"""Ended, or gone from the DAG: nobody works on it, nobody will."""
DISPATCHED = (TaskInstanceState.QUEUED, TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING)
"""An executor has it."""
MAY_HAVE_POD = (TaskInstanceState.SCHEDULED, *DISPATCHED)
NOT_STARTED = (
    TaskInstanceState.SCHEDULED,
    TaskInstanceState.UP_FOR_RETRY,
    TaskInstanceState.UP_FOR_RESCHEDULE,
)
"""Nobody works on it, somebody will; so is one without a state."""
