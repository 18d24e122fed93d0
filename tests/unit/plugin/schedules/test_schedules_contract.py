"""Private API of Airflow's scheduler that creates runs, by name: a release that changes it fails here."""

import inspect

from airflow.dag_processing.collection import AssetModelOperation, DagModelOperation, _RunInfo
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.asset import AssetDagRunQueue, AssetEvent, AssetWatcherModel, DagScheduleAssetReference
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.trigger import Trigger
from airflow.serialization.definitions.dag import SerializedDAG, _create_orm_dagrun
from airflow.timetables.base import DagRunInfo, Timetable

from airflow_mcp_provider.plugin.schedules import airflow_internals

CREATE = inspect.getsource(SchedulerJobRunner._create_dag_runs)
FLAG = "exceeds_max_non_backfill"


def test_the_scheduler_creates_the_runs_of_a_schedule_by_two_methods():
    assert airflow_internals.CREATE_SCHEDULED == "_create_dag_runs"
    assert list(inspect.signature(SchedulerJobRunner._create_dag_runs).parameters) == ["self", "dag_models", "session"]
    assert f"serdag.{airflow_internals.CREATE_RUN}(" in CREATE
    assert "self._create_dag_runs(non_asset_dags, session)" in inspect.getsource(
        SchedulerJobRunner._create_dagruns_for_dags
    )
    for_assets = inspect.getsource(SchedulerJobRunner._create_dag_runs_asset_triggered)
    assert f"dag.{airflow_internals.CREATE_RUN}(" in for_assets
    assert "run_after=triggered_date" in for_assets
    assert for_assets.index("dag.create_dagrun(") < for_assets.index("consumed_asset_events.extend")
    assert "func.max(DagRun.run_after)" in for_assets, "why an asset run has no jitter"


def test_the_next_date_is_that_after_the_run_that_was_created():
    assert "calculate_dagrun_date_fields(dag=serdag, reference_run=created_run)" in CREATE
    v2 = inspect.getsource(Timetable.next_dagrun_info_v2)
    assert "last_dagrun_info.data_interval" in v2
    assert "run_after" not in v2, "jitter moves run_after"
    assert "_get_latest_runs_stmt" in inspect.getsource(_RunInfo.calculate)
    assert "next_run_info_from_dag_model(dag_model=dag_model)" in CREATE


def test_a_run_is_created_for_the_date_of_the_last_look_which_may_be_hours_ago():
    """The first missed date, where the DAG file was not parsed again."""
    assert "utcnow" not in CREATE
    assert "cls.next_dagrun_create_after <= func.now()" in inspect.getsource(DagModel.dags_needing_dagruns)


def test_the_flag_that_stops_a_schedule():
    """Any active run of a DAG sets it, also one that was submitted with a start in the future."""
    assert f"cls.{FLAG} == expression.false()" in inspect.getsource(DagModel.dags_needing_dagruns)
    assert f"if dag_model.{FLAG}:" in CREATE
    assert f"dm.{FLAG} = run_info.num_active_runs >= dm.max_active_runs" in inspect.getsource(
        DagModelOperation.update_dags
    )
    active = inspect.getsource(DagRun.active_runs_of_dags)
    assert "DagRunState.RUNNING, DagRunState.QUEUED" in active
    assert "run_after" not in active
    ended = inspect.getsource(SchedulerJobRunner._schedule_dag_run)
    assert ended.count("self._set_exceeds_max_active_runs(dag_model=dag_model, session=session)") == 2
    assert "active_non_backfill_runs" not in CREATE.partition("serdag.create_dagrun(")[0], "the flag alone stops a cron"


def test_runs_by_assets_are_not_created_while_any_run_is_active():
    """docs/schedules.md: they wait for the queue of the job; their events are kept."""
    source = inspect.getsource(DagModel.dags_needing_dagruns)
    assert "having(func.count() >= func.max(DagModel.max_active_runs))" in source
    assert "DagRun.state.in_((DagRunState.QUEUED, DagRunState.RUNNING))" in source


def test_what_is_read_of_a_dag_and_of_a_date():
    assert isinstance(inspect.getattr_static(SerializedDAG, "_time_restriction"), property) or hasattr(
        SerializedDAG, "_time_restriction"
    )
    assert {"run_after", "data_interval"} <= set(DagRunInfo._fields)
    fields = inspect.getsource(DagModel.calculate_dagrun_date_fields)
    for name in ("next_dagrun", "next_dagrun_data_interval", "next_dagrun_create_after"):
        assert f"self.{name} = next_dagrun_info." in fields
    assert list(inspect.signature(SchedulerJobRunner._get_current_dag).parameters) == ["self", "dag_id", "session"]


def test_a_run_that_is_created_validates_its_conf_and_reads_no_params_later():
    source = inspect.getsource(SerializedDAG.create_dagrun)
    assert source.index("copied_params.validate()") < source.index("_create_orm_dagrun(")
    assert "params" not in inspect.getsource(_create_orm_dagrun)


def test_the_events_of_assets():
    assert 'extra={"from_trigger": True, "payload": event.payload}' in inspect.getsource(Trigger.submit_event)
    assert {"asset_id", "extra", "timestamp"} <= set(AssetEvent.__table__.columns.keys())
    assert {"asset_id", "dag_id"} <= set(DagScheduleAssetReference.__table__.columns.keys())


def test_an_event_is_waiting_as_long_as_its_row_is_there():
    assert airflow_internals.CREATE_FOR_ASSETS == "_create_dag_runs_asset_triggered"
    method = SchedulerJobRunner._create_dag_runs_asset_triggered
    assert list(inspect.signature(method).parameters) == ["self", "dag_models", "session"]
    assert "delete(AssetDagRunQueue)" in inspect.getsource(method)
    called = inspect.getsource(SchedulerJobRunner._create_dagruns_for_dags)
    assert "self._create_dag_runs_asset_triggered(\n                dag_models=" in called
    assert "target_dag_id" in AssetDagRunQueue.__table__.columns


def test_airflow_removes_the_watchers_of_parsed_assets_alone():
    parsed = inspect.getsource(AssetModelOperation.add_asset_trigger_references)
    assert "for name_uri, asset in self.assets.items():" in parsed
    assert "~cls.assets.any()" in inspect.getsource(Trigger.clean_unused)
    assert {"asset_id", "trigger_id"} <= set(AssetWatcherModel.__table__.columns.keys())
