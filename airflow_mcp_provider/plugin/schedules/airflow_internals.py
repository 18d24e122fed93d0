"""Private API of Airflow's scheduler that creates runs, and of its assets.

tests/unit/plugin/schedules/test_schedules_contract.py checks each, so that a change in Airflow fails there.
"""

from __future__ import annotations

from typing import Any

from airflow.assets.manager import asset_manager
from airflow.exceptions import ParamValidationError
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.asset import (
    AssetDagRunQueue,
    AssetEvent,
    AssetModel,
    AssetWatcherModel,
    DagScheduleAssetReference,
)
from airflow.models.dag import DagModel
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.timetables.base import DagRunInfo
from airflow.utils.types import DagRunType

__all__ = [
    "CREATE_FOR_ASSETS",
    "CREATE_RUN",
    "CREATE_SCHEDULED",
    "AssetDagRunQueue",
    "AssetEvent",
    "AssetModel",
    "AssetWatcherModel",
    "DagModel",
    "DagRunInfo",
    "DagRunType",
    "DagScheduleAssetReference",
    "ParamValidationError",
    "SchedulerJobRunner",
    "SerializedDAG",
    "asset_manager",
    "current_dag",
    "next_date",
    "set_next_date",
]
CREATE_RUN = "create_dagrun"
"""The method of a DAG that creates each of its runs."""
CREATE_FOR_ASSETS = "_create_dag_runs_asset_triggered"
"""The method of the scheduler that creates the runs of DAGs whose assets have events."""
CREATE_SCHEDULED = "_create_dag_runs"
"""The method of the scheduler that creates the runs of DAGs whose next date has come."""


def current_dag(runner: SchedulerJobRunner, dag_id: str, session: Any) -> SerializedDAG | None:  # noqa: ANN401 - a Session
    """Return the latest version of a DAG, as the scheduler reads it; None if it cannot be read."""
    return runner._get_current_dag(dag_id=dag_id, session=session)  # noqa: SLF001 - see above


def next_date(dag: SerializedDAG, last: DagRunInfo) -> DagRunInfo | None:
    """Return the date after ``last``: the latest missed one where the DAG does not catch up; None after the end."""
    restriction = dag._time_restriction  # noqa: SLF001 - see above
    return dag.timetable.next_dagrun_info_v2(last_dagrun_info=last, restriction=restriction)


def set_next_date(model: DagModel, info: DagRunInfo | None) -> None:
    """Set the date of the next run, as ``DagModel.calculate_dagrun_date_fields`` does; None: there is none."""
    model.next_dagrun = info and info.logical_date
    model.next_dagrun_data_interval = info and info.data_interval
    model.next_dagrun_create_after = info and info.run_after
