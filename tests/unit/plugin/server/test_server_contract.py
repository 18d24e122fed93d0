"""What ``plugin/server`` leans on in Airflow's API server, by name: see ``plugin/server/airflow_internals.py``."""

import inspect

from airflow.api_fastapi import app
from airflow.api_fastapi.core_api.routes.public import task_state_store as public_store
from airflow.api_fastapi.core_api.services.public import task_instances as public_instances
from airflow.api_fastapi.execution_api import app as execution
from airflow.api_fastapi.execution_api import security
from airflow.api_fastapi.execution_api.routes import task_instances, task_state_store
from airflow.configuration import conf
from airflow.models.taskinstance import TaskInstance
from starlette.middleware import Middleware

from airflow_mcp_provider.plugin import McpPlugin
from airflow_mcp_provider.plugin.growth.protected_keys import KeptBackend
from airflow_mcp_provider.plugin.server import airflow_internals, tokens
from airflow_mcp_provider.plugin.server.middleware import McpMiddleware


def test_a_root_middleware_may_be_a_function():
    assert "app.add_middleware(middleware, *args, **kwargs)" in inspect.getsource(app.init_plugins)
    (registered,) = McpPlugin.fastapi_root_middlewares
    made, *_ = Middleware(registered["middleware"])
    assert isinstance(made(lambda *_: None), McpMiddleware)


def test_only_an_api_server_with_plugins_has_it():
    source = inspect.getsource(app.create_app)
    core = source.index('"core" in apps_list')
    assert core < source.index("init_plugins(app)")


def test_a_runners_token(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "secret")
    assert airflow_internals.validator().audience == conf.get_mandatory_list_value("execution_api", "jwt_audience")
    source = inspect.getsource(security.JWTBearer.__call__)
    assert 'claims.setdefault("scope", "execution")' in source
    assert airflow_internals.TIClaims().scope == "execution"
    assert "str(token.id) != ti_self_id" in inspect.getsource(security.require_auth)
    assert 'getattr(route, "allowed_token_types", frozenset({"execution"}))' in inspect.getsource(security.require_auth)


def test_a_token_is_renewed_when_a_fifth_of_its_time_is_left():
    source = inspect.getsource(execution.JWTReissueMiddleware.dispatch)
    assert f"max(int(token_lifetime * {tokens.RENEWED:.2f}), {tokens.RENEWED_S})" in source


def test_the_routes_of_the_state_store():
    assert {route.path for route in task_state_store.router.routes} >= {"/{task_instance_id}/{key:path}"}
    scopes = [scope for dependency in task_state_store.router.dependencies for scope in dependency.scopes]
    assert scopes == ["ti:self"]
    assert set(airflow_internals.TaskStateStorePutBody.model_fields) == {"value", "expires_at"}
    assert "status_code=status.HTTP_204_NO_CONTENT" in inspect.getsource(task_state_store)


def test_a_heartbeat():
    assert set(airflow_internals.TIHeartbeatInfo.model_fields) == {"hostname", "pid"}
    source = inspect.getsource(task_instances.ti_heartbeat)
    taken = source[: source.index("return")]
    for column in ("TI.id == task_instance_id", "TI.state == TaskInstanceState.RUNNING", "TI.hostname ==", "TI.pid =="):
        assert column in taken
    assert ".values(last_heartbeat_at=timezone.utcnow())" in taken
    assert "last_heartbeat_at" in TaskInstance.__table__.columns


def test_the_pool_of_connections():
    assert airflow_internals.pool() == (5, 10), "Airflow's defaults"


def test_the_public_api_keeps_our_rows():
    """It takes a backend of its own by this name, whichever is configured."""
    airflow_internals.keep_rows()
    for module in (public_store, public_instances):
        assert "_get_db_backend()" in inspect.getsource(module)
        assert isinstance(module._get_db_backend(), KeptBackend)
