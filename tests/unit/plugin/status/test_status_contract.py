"""What the documents read of Airflow's tables, by name: a release that changes it fails here."""

import inspect
from pathlib import Path

import airflow
from airflow.jobs.job import Job, health_check_threshold
from airflow.jobs.triggerer_job_runner import TriggererJobRunner
from airflow.models.asset import AssetModel, DagScheduleAssetReference
from airflow.models.asset_state_store import AssetStateStoreModel
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun, DagRunNote
from airflow.models.errors import ParseImportError
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.simple import NullTimetable

from airflow_mcp_provider.plugin.status import addresses, airflow_internals, job_spec
from airflow_mcp_provider.timetable.base import Frame
from airflow_mcp_provider.timetable.cron import CronTimetable


def columns(model):
    return {column.name for column in model.__table__.columns}


def test_columns():
    assert {
        "dag_id",
        "description",
        "is_paused",
        "is_stale",
        "timetable_summary",
        "next_dagrun_create_after",
        "bundle_name",
        "relative_fileloc",
        "has_import_errors",
        "max_active_tasks",
    } <= columns(DagModel)
    assert {
        "conf",
        "triggering_user_name",
        "created_at",
        "queued_at",
        "run_after",
        "start_date",
        "end_date",
        "clear_number",
    } <= columns(DagRun)
    assert {"dag_run_id", "content"} <= columns(DagRunNote)
    assert {"id", "bundle_name", "filename", "stacktrace"} <= columns(ParseImportError)
    assert {
        "task_id",
        "dag_id",
        "run_id",
        "map_index",
        "try_number",
        "state",
        "start_date",
        "end_date",
        "retry_reason",
    } <= columns(TaskInstanceHistory)
    assert {"last_heartbeat_at", "state", "start_date", "end_date", "try_number", "max_tries"} <= columns(TaskInstance)
    assert {"dag_run_id", "task_id", "key", "value"} <= columns(XComModel)
    assert {"id", "uri"} <= columns(AssetModel)
    assert {"asset_id", "dag_id"} <= columns(DagScheduleAssetReference)
    assert {"asset_id", "key", "value"} <= columns(AssetStateStoreModel)
    assert {"job_type", "state", "latest_heartbeat"} <= columns(Job)


def test_the_rows_of_triggerers():
    assert TriggererJobRunner.job_type == airflow_internals.TRIGGERER
    assert health_check_threshold(airflow_internals.TRIGGERER, 0) >= 30


def test_the_summary_of_no_schedule():
    assert NullTimetable().summary == airflow_internals.NO_SCHEDULE


def test_the_timetable_in_a_serialized_dag():
    made = CronTimetable(("0 8 * * *",), Frame())
    encoded = encode_timetable(made)
    found = airflow_internals.timetable({"timetable": encoded}, job_spec.TIMETABLES)
    assert (type(found), found.crons) == (CronTimetable, made.crons)
    assert airflow_internals.timetable({"timetable": encode_timetable(NullTimetable())}, job_spec.TIMETABLES) is None
    assert airflow_internals.timetable({}, job_spec.TIMETABLES) is None


def test_the_page_of_a_task_instance_in_airflows_ui():
    assets = Path(airflow.__file__).parent / "ui" / "dist" / "assets"
    route = "dags/:dagId/runs/:runId/tasks/:taskId/mapped/:mapIndex"
    assert any(route in path.read_text() for path in assets.glob("index-*.js"))
    assert addresses.instance("a.b", "r:1+2", "run", 3) == "/dags/a.b/runs/r:1+2/tasks/run/mapped/3"


def test_results_and_serialized_dags():
    assert airflow_internals.RESULT_KEYS == (XCOM_RETURN_KEY, "result")
    assert "dag_id" in inspect.signature(SerializedDagModel.latest_item_select_object).parameters
    assert "json.loads" in inspect.getsource(XComModel.deserialize_value)
