"""Airflow's audit log: a row for each change of a run or a job, as Airflow's own routes write them.

Airflow's ``action_logging`` is not used: its session would be held while a request waits for the scheduler's lock. As
there, a request that was refused leaves no row.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request

from airflow_mcp_provider.plugin.control import worker
from airflow_mcp_provider.plugin.db.tables import Log, create_session
from airflow_mcp_provider.plugin.http_api.airflow_internals import GetUserDep, secrets_masker


async def audited(request: Request, user: GetUserDep) -> AsyncIterator[None]:
    """Write the row when a route has made its change: for a dependency that ends before the response is sent.

    In the thread that has made the change: its connection is counted.
    """
    yield
    # Of a route that reads no body nobody has checked what was sent.
    # ``null`` is the same as no body.
    body = (await request.json() if request.scope["route"].body_field and await request.body() else None) or {}
    await asyncio.get_running_loop().run_in_executor(worker.pool(), _write, _row(request, user.get_name(), body))


def _row(request: Request, user: str, body: dict[str, Any]) -> Log:
    path = request.path_params
    shown = {name: secrets_masker.redact(value, name) for name, value in {"method": request.method, **body}.items()}
    return Log(
        event=request.scope["endpoint"].__name__,
        owner=user,
        owner_display_name=user,
        dag_id=path["dag_id"],
        run_id=path.get("run"),
        extra=json.dumps(shown),
    )


def _write(row: Log) -> None:
    with create_session(scoped=False) as session:
        session.add(row)
