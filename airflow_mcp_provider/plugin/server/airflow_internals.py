"""Private API of Airflow's API server that the middleware uses.

tests/unit/plugin/server/test_server_contract.py checks each, so that a change in Airflow fails there.
"""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.tokens import JWTValidator
from airflow.api_fastapi.core_api.routes.public import task_state_store
from airflow.api_fastapi.core_api.services.public import task_instances
from airflow.api_fastapi.execution_api.app import _jwt_validator
from airflow.api_fastapi.execution_api.datamodels.task_state_store import TaskStateStorePutBody
from airflow.api_fastapi.execution_api.datamodels.taskinstance import TIHeartbeatInfo
from airflow.api_fastapi.execution_api.datamodels.token import TIClaims
from airflow.configuration import conf
from airflow.state import get_state_backend

from airflow_mcp_provider.plugin.growth.protected_keys import KeptBackend

__all__ = [
    "JWTValidator",
    "TIClaims",
    "TIHeartbeatInfo",
    "TaskStateStorePutBody",
    "get_state_backend",
    "keep_rows",
    "pool",
    "validator",
]


def validator() -> JWTValidator:
    """Return the validator of the Execution API for tokens of runners."""
    made: JWTValidator = _jwt_validator()  # type: ignore[no-untyped-call]  # Airflow's
    return made


def keep_rows() -> None:
    """Make the public REST API keep our rows; it uses Airflow's own backend, whatever backend is configured."""
    backend = KeptBackend()
    for module in (task_state_store, task_instances):
        module._get_db_backend = lambda: backend  # type: ignore[attr-defined]  # noqa: SLF001 - Airflow has no public way


def pool() -> tuple[int, int] | None:
    """Return size and overflow of the process's database connection pool; None if it has no limit."""
    size, overflow = (conf.getint("database", f"sql_alchemy_{name}") for name in ("pool_size", "max_overflow"))
    bounded = conf.getboolean("database", "sql_alchemy_pool_enabled") and size > 0 and overflow >= 0
    return (size, overflow) if bounded else None


def claims(given: dict[str, Any]) -> TIClaims:
    """Read a token's claims as the Execution API does; raises pydantic's ValidationError."""
    return TIClaims(**given)
