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

__all__ = [
    "EXECUTION_STATES",
    "BaseExecutor",
    "LocalExecutor",
    "MappedTaskUpstreamDep",
    "SchedulerJobRunner",
    "TaskInstanceKey",
]
