"""What notifications and chains lean on in Airflow, by name: a release that changes it fails here first."""

import inspect

from airflow.assets.manager import AssetManager, asset_manager
from airflow.callbacks.callback_requests import DagCallbackRequest
from airflow.dag_processing import manager, processor
from airflow.executors.base_executor import BaseExecutor
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.asset import AssetModel, DagScheduleAssetReference
from airflow.models.callback import DagProcessorCallback
from airflow.models.dagrun import DagRun
from airflow.models.deadline import Deadline
from airflow.models.xcom import XComModel
from airflow.providers.cncf.kubernetes.executors.kubernetes_executor import KubernetesExecutor
from airflow.sdk import BaseNotifier
from airflow.sdk.execution_time import task_runner


def test_a_request_of_the_dag_processor():
    made = DagProcessorCallback(
        1,
        DagCallbackRequest(filepath="a.py", bundle_name="b", bundle_version=None, dag_id="d", run_id="r", msg="{}"),
    )
    assert {"req_class", "req_data"} <= set(made.data)
    assert (made.type, made.fetch_method, made.state, made.bundle_name) == ("dag_processor", "dag_attribute", None, "b")
    columns = set(DagProcessorCallback.__table__.columns.keys())
    assert {"id", "type", "fetch_method", "data", "bundle_name", "state", "priority_weight", "created_at"} <= columns


def test_the_dag_processor_calls_the_dags_own_attribute_with_the_reason():
    source = inspect.getsource(processor._execute_dag_callbacks)
    assert "dag.on_failure_callback if request.is_failure_callback" in source
    assert '"reason": request.msg' in source
    assert "has_on_failure_callback" not in source
    fetch = inspect.getsource(manager.DagFileProcessorManager._fetch_callbacks_from_db)
    assert "session.delete(callback)" in fetch, "a request is removed before it is done"


def test_airflow_requests_the_callback_of_a_run_that_timed_out_whatever_the_dag_has():
    timed_out = inspect.getsource(SchedulerJobRunner._schedule_dag_run).partition("has timed-out")[2]
    assert "produce_dag_callback" in timed_out
    assert "has_on_failure_callback" not in timed_out
    assert "if dag.has_on_failure_callback:" in inspect.getsource(DagRun.update_state)


def test_why_airflows_deadlines_are_not_used():
    assert not KubernetesExecutor.supports_callbacks
    assert "raise NotImplementedError" in inspect.getsource(BaseExecutor.queue_workload)
    assert "except" not in inspect.getsource(SchedulerJobRunner._enqueue_executor_callbacks)
    pruned = inspect.getsource(DagRun.update_state)
    assert pruned.count("Deadline.prune_deadlines") == 1, "for a run that has succeeded alone"
    assert "get_simple_context" in inspect.getsource(Deadline.handle_miss)


def test_notifiers():
    assert {"template_fields", "notify", "async_notify", "__call__", "__await__"} <= set(dir(BaseNotifier))
    assert "self.render_template_fields(context)" in inspect.getsource(BaseNotifier.__call__)
    assert "self.context" in inspect.getsource(BaseNotifier.__await__)


def test_events_of_assets():
    assert {"asset", "task_instance", "session"} <= set(
        inspect.signature(AssetManager.register_asset_change).parameters
    )
    assert isinstance(asset_manager, AssetManager)
    assert {"id", "name", "uri"} <= set(AssetModel.__table__.columns.keys())
    assert "asset_id" in DagScheduleAssetReference.__table__.columns
    assert "not ref.dag.is_paused" in inspect.getsource(AssetManager.register_asset_change)


def test_why_reports_have_no_outlets():
    source = inspect.getsource(task_runner._validate_task_inlets_and_outlets)
    assert "if not ti.task.inlets and not ti.task.outlets:" in source
    assert "AirflowInactiveAssetInInletOrOutletException" in source


def test_xcoms_of_the_report():
    assert {"dag_run_id", "task_id", "key", "value", "timestamp"} <= set(XComModel.__table__.columns.keys())
    assert callable(XComModel.deserialize_value)
