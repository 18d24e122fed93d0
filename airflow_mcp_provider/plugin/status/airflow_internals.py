"""Tables of Airflow that only the documents read.

tests/unit/plugin/status/test_status_contract.py checks each column, so that a change in Airflow fails there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow.jobs.job import Job, health_check_threshold
from airflow.models.asset import AssetModel, DagScheduleAssetReference
from airflow.models.asset_state_store import AssetStateStoreModel
from airflow.models.dag import DagModel
from airflow.models.errors import ParseImportError
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.definitions.notset import is_arg_set
from airflow.serialization.serialized_objects import BaseSerialization
from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.state_store import REPORT
from airflow_mcp_provider.plugin.db.tables import DagRun

RESULT_KEYS = (XCOM_RETURN_KEY, "result")
"""The XComs of ``report``: of one that succeeded, and of one that failed."""
NO_SCHEDULE = "None"
"""The summary of the timetable of a DAG without a schedule."""

TRIGGERER = "TriggererJob"
"""The type of a triggerer's row in the table of Airflow's components."""

__all__ = [
    "NO_SCHEDULE",
    "AssetModel",
    "AssetStateStoreModel",
    "DagModel",
    "DagScheduleAssetReference",
    "ParseImportError",
    "TaskInstanceHistory",
    "is_arg_set",
    "of_report",
    "plain",
    "report_value",
    "serialized_dag",
    "timetable",
    "triggerer_runs",
]


def triggerer_runs(session: Session, now: datetime) -> bool:
    """Return whether the heartbeat of a triggerer is recent, as ``airflow jobs check`` does."""
    since = now - timedelta(seconds=health_check_threshold(TRIGGERER, 0))
    alive = select(Job.id).where(Job.job_type == TRIGGERER, Job.state == "running", Job.latest_heartbeat > since)
    return session.execute(alive.limit(1)).first() is not None


def of_report(name: str) -> ScalarSelect[Any]:
    """Return a field in the result of each DagRun's report, as text; NULL where there is none."""
    where = (XComModel.dag_run_id == DagRun.id, XComModel.task_id == REPORT, XComModel.key.in_(RESULT_KEYS))
    return select(XComModel.value[name].as_string()).where(*where).limit(1).correlate(DagRun).scalar_subquery()


def report_value(session: Session, run: int) -> Any:  # noqa: ANN401 - any JSON
    """Return the result of the report of the run with this number; None if there is none."""
    where = (XComModel.dag_run_id == run, XComModel.task_id == REPORT, XComModel.key.in_(RESULT_KEYS))
    row = session.execute(select(XComModel.value).where(*where).limit(1)).first()
    return None if row is None else XComModel.deserialize_value(row)


def serialized_dag(session: Session, dag_id: str) -> dict[str, Any]:
    """Return the latest version of a serialized DAG as JSON, without deserializing it; empty if there is none."""
    row: Any = session.scalar(SerializedDagModel.latest_item_select_object(dag_id))  # type: ignore[no-untyped-call]
    data: Any = {} if row is None else row.data
    found: dict[str, Any] = (data or {}).get("dag") or {}
    return found


def timetable(dag: Mapping[str, Any], package: str) -> Any:  # noqa: ANN401 - a Timetable
    """Return the timetable of a serialized DAG; None where its class is not one of ``package``."""
    found: dict[str, Any] = dag.get("timetable") or {}
    return decode_timetable(found) if str(found.get("__type")).startswith(f"{package}.") else None


def plain(value: Any) -> Any:  # noqa: ANN401 - a part of a serialized DAG
    """Deserialize a part of a serialized DAG; ``is_arg_set`` says whether the DAG has this argument."""
    return BaseSerialization.deserialize(value)
