"""Everything of Airflow that is not public API and that this package leans on, by name.

A release of Airflow that changes one of them fails here first. The places that touch them: ``plugin/growth/airflow_internals.py``, ``plugin/db/tables.py``
(and what its tables' columns are used for beside it), ``operators/supervisor_relay.py``, ``operators/secrets.py``, ``runtime/redaction.py``, ``factory/broken_job.py``.
"""

from __future__ import annotations

import importlib
import inspect
import re

import airflow
import msgspec
import pytest
from airflow.api_fastapi.execution_api.routes import task_instances, task_state_store
from airflow.configuration import conf
from airflow.dag_processing import processor
from airflow.dag_processing.importers import python_importer
from airflow.models.dag_version import DagVersion
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun, DagRunNote
from airflow.models.log import Log
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.models.taskmap import TaskMap
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk.configuration import conf as sdk_conf
from airflow.sdk.definitions._internal.expandinput import DictOfListsExpandInput
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import CommsDecoder, MaskSecret, _RequestFrame, _ResponseFrame
from airflow.sdk.log import mask_secret
from airflow.state.metastore import MetastoreBackend
from airflow.utils.sqlalchemy import with_row_locks

from airflow_mcp_provider.errors import InstallationError
from airflow_mcp_provider.plugin.growth.activation import BACKEND, DEFAULT_BACKEND, check_version
from airflow_mcp_provider.runtime import redaction


def columns(model: type) -> dict[str, str]:
    return {column.name: str(column.type) for column in model.__table__.columns}


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_release():
    check_version(airflow.__version__)
    for other in ("3.2.9", "3.4.0", "4.0.0.dev0"):
        with pytest.raises(InstallationError, match=rf"this is {other}: install apache-airflow~=3\.3\.2"):
            check_version(other)


def test_columns_that_are_read_and_written():
    assert {"dag_run_id", "dag_id", "run_id", "task_id", "map_index", "key", "value", "updated_at"} <= set(
        columns(TaskStateStoreModel)
    )
    assert columns(TaskStateStoreModel)["key"] == "VARCHAR(512)"
    assert {"dag_id", "run_id", "task_id", "map_index", "length"} <= set(columns(TaskMap))
    assert {"state", "try_number", "max_tries", "start_date", "end_date", "duration", "dag_version_id"} <= set(
        columns(TaskInstance)
    )
    assert columns(TaskInstance)["rendered_map_index"] == "VARCHAR(250)"
    assert {"id", "dag_id", "run_id", "state", "clear_number", "context_carrier"} <= set(columns(DagRun))
    assert columns(DagRunNote)["content"] == "VARCHAR(1000)"


def test_functions_of_the_server():
    assert parameters(with_row_locks)[:2] == ["query", "session"]
    assert {"skip_locked", "kwargs"} <= set(parameters(with_row_locks))
    assert parameters(clear_task_instances)[:3] == ["tis", "session", "dag_run_state"]
    assert parameters(TaskInstance.__init__)[1:] == ["task", "dag_version_id", "run_id", "state", "map_index"]
    assert parameters(DagRun._revise_map_indexes_if_mapped) == ["self", "task", "dag_version_id", "session"]
    assert {"dag_id", "session"} <= set(parameters(DagVersion.get_latest_version))
    assert parameters(DBDagBag.get_dag) == ["self", "version_id", "session"]


def test_the_scheduler_reads_a_map_as_growth_expects():
    """Length first, indexes later, REMOVED what is too much: the race that the DagRun's lock closes."""
    source = inspect.getsource(DagRun._revise_map_indexes_if_mapped)
    assert source.index("get_mapped_ti_count") < source.index("select(TI.map_index)") < source.index("REMOVED")


def test_how_a_later_step_is_empty_and_then_is_not():
    """A map of no length skips the one instance; without a state it is expanded, to as many as the map is then long."""
    source = inspect.getsource(TaskMap.expand_mapped_task)
    assert "unmapped_ti.state = TaskInstanceState.SKIPPED" in source
    assert source.index("total_length < 1") < source.index("unmapped_ti.map_index = 0")
    assert {"key", "value", "dag_id", "task_id", "run_id", "map_index", "session"} <= set(parameters(XComModel.set))
    assert XCOM_RETURN_KEY == "return_value"
    assert EmptyOperator.inherits_from_empty_operator
    assert "index % mapped_length" in inspect.getsource(DictOfListsExpandInput._expand_mapped_field)


def test_only_a_clear_raises_max_tries():
    """A subtask that continued in the next step distinguishes by it a further try from a new life."""
    assert "ti.max_tries = ti.try_number + task.retries" in inspect.getsource(clear_task_instances)


def test_a_runner_that_ended_well_is_in_the_audit_log():
    """What a person marks is not: it has events of other names."""
    source = inspect.getsource(task_instances.ti_update_state)
    assert "event=updated_state.value" in source
    assert "try_number=try_number" in source
    assert {"dag_id", "task_id", "run_id", "map_index", "try_number", "event"} <= columns(Log).keys()


def test_the_state_store_backend():
    assert parameters(MetastoreBackend.set) == ["self", "scope", "key", "value", "expires_at", "session"]
    assert parameters(MetastoreBackend.get) == ["self", "scope", "key", "session"]
    assert conf.get_default_value("state_store", "backend") == DEFAULT_BACKEND
    assert BACKEND.endswith(".backend.GrowthBackend")
    for route in (task_state_store.set_task_state_store, task_state_store.get_task_state_store):
        source = inspect.getsource(route)
        assert "get_state_backend()" in source
        assert "session=session" in source, "ours must run in the request's transaction"


def test_the_task_runner_line():
    assert "SUPERVISOR_COMMS" in task_runner.__annotations__
    assert {"socket", "_thread_lock"} <= {field.name for field in CommsDecoder.__attrs_attrs__}
    frame = bytes(_ResponseFrame(id=1, body=None).as_bytes())
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4


@pytest.mark.parametrize("module", redaction.MASKERS)
def test_the_maskers(module):
    """Their secrets are read from the pattern that they look for."""
    masker = importlib.import_module(module).SecretsMasker()
    assert isinstance(importlib.import_module(module)._secrets_masker(), importlib.import_module(module).SecretsMasker)
    assert masker.replacer is None
    masker.add_mask("hunter|2.\\x")
    assert masker.replacer.pattern == re.escape("hunter|2.\\x")
    masker.add_mask(["other one"])
    assert masker.replacer.pattern.split("|").count(re.escape("other one")) == 1
    masker.sensitive_variables_fields = ["token"]
    assert masker.should_hide_value_for_key("CRAWLER_TOKEN")
    masker.reset_masker()
    assert masker.replacer is None


def test_how_a_secret_is_made_known_to_the_supervisor():
    assert "comms.send(MaskSecret(value=secret, name=name))" in inspect.getsource(mask_secret)
    body = _RequestFrame(id=1, body=MaskSecret(value="x", name=None).model_dump())
    assert msgspec.msgpack.decode(body.as_bytes()[4:], type=_RequestFrame).body == {
        "value": "x",
        "name": None,
        "type": "MaskSecret",
    }
    assert ("core", "fernet_key") in sdk_conf.sensitive_config_values


def test_how_a_broken_spec_becomes_an_import_error():
    assert "error_path = dag.relative_fileloc or dag.fileloc" in inspect.getsource(processor._serialize_dags)
    assert "dag.relative_fileloc = relative_fileloc" in inspect.getsource(python_importer.PythonDagImporter)
