"""The FastAPI application of the HTTP API, with its routes, its errors and its OpenAPI document."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import Depends, FastAPI

from airflow_mcp_provider.client.models import Problem
from airflow_mcp_provider.plugin.http_api import (
    access,
    agent_routes,
    control_routes,
    job_routes,
    log_routes,
    page_routes,
    problems,
    run_routes,
    submit_routes,
    subtask_routes,
)
from airflow_mcp_provider.plugin.http_api.logs import Logs
from airflow_mcp_provider.plugin.http_api.shutdown import on_sigterm
from airflow_mcp_provider.plugin.http_api.subtask_paths import SubtaskPaths
from airflow_mcp_provider.plugin.http_api.watch import Watches

# The log of a subtask before the subtask: its path fits both, and the first that fits is taken.
ROUTERS = (
    job_routes,
    submit_routes,
    run_routes,
    log_routes,
    subtask_routes,
    control_routes,
    page_routes,
    agent_routes,
)
COMMON = (401, 403, 422, 500, 503)
"""The errors of every route."""
DESCRIPTION = """
Submit runs of jobs, watch them, and read their results. Authentication and permissions are those of Airflow's REST API.

Errors are `application/problem+json` (RFC 9457): `type` is stable, `detail` is a text for people. Times are RFC 3339 in
UTC. Lists have a `cursor`.
"""


def build() -> FastAPI:
    """Return the application."""
    app = FastAPI(
        title="Job control",
        version="1",
        description=DESCRIPTION,
        lifespan=_lifespan,
        dependencies=[Depends(access.no_form)],
    )
    begin(app)
    for module in ROUTERS:
        app.include_router(module.router)
    problems.install(app)
    app.add_middleware(SubtaskPaths, refuse=problems.with_nul)
    app.openapi = partial(_openapi, app, app.openapi)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def begin(app: FastAPI) -> None:
    """Give the application what it holds from the start of a server to its end."""
    app.state.watches, app.state.logs, app.state.streams, app.state.agents = Watches(), Logs(), Counter(), None


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    watches, logs = app.state.watches, app.state.logs
    async with agent_routes.serving(app):
        with on_sigterm(watches.stop), on_sigterm(logs.stop):
            yield
    await watches.close()
    logs.close()


def _openapi(app: FastAPI, make: Any) -> dict[str, Any]:  # noqa: ANN401 - FastAPI's own method
    """Add the error that every route may respond with."""
    found: dict[str, Any] = make()
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    if "Problem" not in schemas:
        schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        for method, operation in _operations(found):
            more = (*((400,) if "requestBody" in operation else ()), *((415,) if method == "post" else ()))
            for status in (*more, *COMMON):
                _document(operation["responses"], HTTPStatus(status))
    app.openapi_schema = found
    return found


def _document(responses: dict[str, Any], status: HTTPStatus) -> None:
    """Document an error where the route has not done so; FastAPI documents 422 with another form."""
    if problems.MEDIA_TYPE not in responses.get(str(status.value), {}).get("content", {}):
        content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        responses[str(status.value)] = {"description": problems.title(status), "content": content}


def _operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [found for path in document["paths"].values() for found in path.items() if isinstance(found[1], dict)]
