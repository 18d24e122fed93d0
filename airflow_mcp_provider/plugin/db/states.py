"""Sets of Airflow's states and types of runs, by their meaning for a job."""

from __future__ import annotations

from airflow_mcp_provider.plugin.db.tables import DagRunState, DagRunType, TaskInstanceState

RUN_ACTIVE = (DagRunState.QUEUED, DagRunState.RUNNING)
RUN_ENDED = (DagRunState.SUCCESS, DagRunState.FAILED)
OF_SCHEDULER = (DagRunType.SCHEDULED, DagRunType.ASSET_TRIGGERED)
"""The types of runs that the scheduler creates."""

FAILED = (TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED)
ENDED = (*FAILED, TaskInstanceState.SUCCESS, TaskInstanceState.SKIPPED)
OVER = (*ENDED, TaskInstanceState.REMOVED)
"""Ended, or removed from the DAG: not running, and it will not run any more."""
DISPATCHED = (TaskInstanceState.QUEUED, TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING)
"""Sent to an executor."""
MAY_HAVE_POD = (TaskInstanceState.SCHEDULED, *DISPATCHED)
NOT_STARTED = (
    TaskInstanceState.SCHEDULED,
    TaskInstanceState.UP_FOR_RETRY,
    TaskInstanceState.UP_FOR_RESCHEDULE,
)
"""Not running, but it will run; this includes task instances without a state."""
