"""Private API of Airflow's scheduler and of its LocalExecutor that this package uses.

tests/unit/plugin/slots/test_slots_contract.py checks each, so that a change in Airflow fails there.
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
"""Methods of the LocalExecutor: it sends new workloads to workers; it checks which workers are alive."""
SCHEDULE_DAG_RUN = "_schedule_dag_run"
READY_TO_QUEUED = "_executable_task_instances_to_queued"
"""Methods of the scheduler: it examines one run; it chooses among ready task instances."""
RUN_WORKLOAD = "run_workload"
"""The static method of executors that supervises a task, called in a worker."""
DEP_STATUSES = "_get_dep_statuses"
"""The method of a dependency that checks whether one task instance may start."""

__all__ = [
    "CHECK_WORKERS",
    "DEP_STATUSES",
    "EXECUTION_STATES",
    "PROCESS_WORKLOADS",
    "READY_TO_QUEUED",
    "RUN_WORKLOAD",
    "SCHEDULE_DAG_RUN",
    "BaseExecutor",
    "LocalExecutor",
    "MappedTaskUpstreamDep",
    "SchedulerJobRunner",
    "TaskInstanceKey",
]
