"""What the triggers lean on of Airflow, by name: a release that changes it fails here."""

import inspect

from airflow.jobs import triggerer_job_runner
from airflow.models.trigger import Trigger
from airflow.sdk.definitions.asset import _sanitize_uri
from airflow.sdk.execution_time import comms
from airflow.sdk.execution_time.context import AssetStateStoreAccessors
from airflow.triggers.base import BaseEventTrigger

from airflow_mcp_provider.trigger.airflow_internals import dag_folders
from airflow_mcp_provider.trigger.status import asset_uri


def test_a_trigger_may_count_runs():
    assert {"dag_id", "states"} <= set(comms.GetDRCount.model_fields)
    assert "count" in comms.DRCount.model_fields
    assert comms.GetDRCount in triggerer_job_runner.ToTriggerSupervisor.__origin__.__args__
    assert "SUPERVISOR_COMMS" in inspect.getsource(triggerer_job_runner.TriggerRunner.init_comms)
    assert inspect.iscoroutinefunction(triggerer_job_runner.TriggerCommsDecoder.asend)


def test_a_trigger_may_read_a_connection_by_a_synchronous_call_where_its_task_has_a_portal():
    assert "await greenback.ensure_portal()" in inspect.getsource(triggerer_job_runner.TriggerRunner.run_trigger)
    assert "greenback.has_portal()" in inspect.getsource(triggerer_job_runner.TriggerCommsDecoder.send)


def test_a_trigger_gets_the_store_of_its_asset():
    assert "asset_state_store = AssetStateStoreAccessors(" in inspect.getsource(
        triggerer_job_runner.TriggerRunner.create_triggers
    )
    assert {"aget", "aset", "adelete"} <= set(dir(AssetStateStoreAccessors))
    assert "asset_state_store" in inspect.getsource(BaseEventTrigger.__init__)


def test_the_payload_of_a_trigger_is_in_the_extra_of_the_asset_event():
    assert '"payload": event.payload' in inspect.getsource(Trigger.submit_event)


def test_the_uri_of_a_watch_is_stored_as_it_is():
    assert _sanitize_uri(asset_uri("A_job.1")) == asset_uri("A_job.1")


def test_the_folders_of_local_bundles(monkeypatch, tmp_path):
    folders = [tmp_path / name for name in ("dags", "more")]
    for folder in folders:
        folder.mkdir()
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    git = "airflow.providers.git.bundles.git.GitDagBundle"
    bundles = [
        {"name": "a", "classpath": local, "kwargs": {}},
        {"name": "b", "classpath": local, "kwargs": {"path": str(folders[1])}},
        {"name": "c", "classpath": git, "kwargs": {"path": "x"}},
        {"name": "d", "classpath": local, "kwargs": {"path": str(tmp_path / "gone")}},
    ]
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(folders[0]))
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", __import__("json").dumps(bundles))
    assert dag_folders() == tuple(map(str, folders))
