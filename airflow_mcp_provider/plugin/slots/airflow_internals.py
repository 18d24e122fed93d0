"""What of Airflow's scheduler and of its LocalExecutor is touched that is no public API, in one place.

tests/unit/plugin/slots/test_slots_contract.py names each: a change of Airflow fails there.
"""

from __future__ import annotations

from airflow.executors.base_executor import BaseExecutor
from airflow.executors.local_executor import LocalExecutor
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.ti_deps.dependencies_states import EXECUTION_STATES
from airflow.ti_deps.deps.mapped_task_upstream_dep import MappedTaskUpstreamDep

PROCESS_WORKLOADS = "_process_workloads"
CHECK_WORKERS = "_check_workers"
"""Of the LocalExecutor: takes new workloads; looks which workers live."""
SCHEDULE_DAG_RUN = "_schedule_dag_run"
READY_TO_QUEUED = "_executable_task_instances_to_queued"
"""Of the scheduler: one look at one run; the choice among ready task instances."""
DEP_STATUSES = "_get_dep_statuses"
"""Of a dependency: whether one task instance may start."""

__all__ = [
    "CHECK_WORKERS",
    "DEP_STATUSES",
    "EXECUTION_STATES",
    "PROCESS_WORKLOADS",
    "READY_TO_QUEUED",
    "SCHEDULE_DAG_RUN",
    "BaseExecutor",
    "LocalExecutor",
    "MappedTaskUpstreamDep",
    "SchedulerJobRunner",
    "TaskInstanceKey",
]
