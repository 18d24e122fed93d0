"""Private API of Airflow's server that the HTTP API uses, by name: a release that changes it fails here."""

import inspect

from airflow._shared.secrets_masker import secrets_masker
from airflow.api_fastapi import app
from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import _get_session
from airflow.api_fastapi.core_api import security
from airflow.api_fastapi.logging.decorators import action_logging
from airflow.models.dag import DagModel
from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.utils.log.log_reader import TaskLogReader

from airflow_mcp_provider.plugin import McpPlugin
from airflow_mcp_provider.plugin.http_api import airflow_internals


def parameters(function):
    return list(inspect.signature(function).parameters)


def test_permissions():
    source = inspect.getsource(security.requires_access_dag)
    assert 'request.path_params.get("dag_id")' in source, "the name of our path parameter"
    assert {"RUN", "XCOM", "TASK_INSTANCE", "TASK_LOGS"} <= {one.name for one in DagAccessEntity}
    assert {"access_view", "user"} <= set(parameters(BaseAuthManager.is_authorized_view))
    assert "IMPORT_ERRORS" in AccessView.__members__
    assert {"method", "user", "access_entity", "details"} <= set(parameters(BaseAuthManager.is_authorized_dag))
    assert {"user", "method", "session"} <= set(parameters(BaseAuthManager.get_authorized_dag_ids))
    assert {"id", "team_name"} <= set(parameters(DagDetails))
    assert "dag_id" in parameters(DagModel.get_team_name)


def test_sessions_end_before_the_response():
    """A commit that fails, for example because a run is refused, has to be an error of the request."""
    assert 'scope="function"' in inspect.getsource(inspect.getmodule(_get_session))


def test_the_audit_log():
    source = inspect.getsource(action_logging)
    assert 'event_name = event or request.scope["endpoint"].__name__' in source
    assert "user_display = user.get_name()" in source
    assert parameters(secrets_masker.redact)[:2] == ["value", "name"]
    assert {"event", "owner", "owner_display_name", "dag_id", "run_id", "extra"} <= set(Log.__mapper__.columns.keys())


def test_runs():
    expected = {"run_id", "run_after", "conf", "run_type", "triggered_by", "triggering_user_name", "state", "session"}
    assert expected <= set(parameters(SerializedDAG.create_dagrun))


def test_logs():
    assert parameters(TaskLogReader.read_log_chunks) == ["self", "ti", "try_number", "metadata"]
    handler = TaskLogReader().log_handler
    assert '"log_pos" in metadata' in inspect.getsource(type(handler)._read)
    assert {"dag_run", "dag_model", "trigger"} <= set(TaskInstance.__mapper__.relationships.keys())
    assert "dag_run" in TaskInstanceHistory.__mapper__.relationships


def test_airflow_mounts_the_application():
    assert "app.mount(url_prefix, subapp)" in inspect.getsource(app.init_plugins)
    assert "isinstance(route.app, FastAPI)" in inspect.getsource(app.lifespan), "its pollers end with the server"
    (mounted,) = McpPlugin().fastapi_apps
    assert mounted["url_prefix"] == "/job-control/v1"
    assert not any(mounted["url_prefix"].startswith(prefix) for prefix in app.RESERVED_URL_PREFIXES)
    assert {"app", "name"} <= mounted.keys()


def test_all_is_exported():
    assert all(hasattr(airflow_internals, name) for name in airflow_internals.__all__)
