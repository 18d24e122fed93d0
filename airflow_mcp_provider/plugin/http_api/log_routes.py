"""Routes of logs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from airflow_mcp_provider.plugin.db.tables import create_session
from airflow_mcp_provider.plugin.http_api import examples
from airflow_mcp_provider.plugin.http_api.access import JobId, RunId, read_logs
from airflow_mcp_provider.plugin.http_api.airflow_internals import BaseUser, GetUserDep
from airflow_mcp_provider.plugin.http_api.logs import Logs, Source
from airflow_mcp_provider.plugin.http_api.problems import ApiError, not_found
from airflow_mcp_provider.plugin.http_api.streams import MOST_TAIL, NDJSON, last_lines
from airflow_mcp_provider.plugin.http_api.subtask_paths import SubtaskKey
from airflow_mcp_provider.plugin.http_api.subtask_routes import Step, found_run
from airflow_mcp_provider.plugin.http_api.user_streams import stream
from airflow_mcp_provider.plugin.status import subtask_documents

router = APIRouter(tags=["logs"])
Follow = Annotated[bool, Query(description="Go on until the end of the run, or of the attempt.")]
Tail = Annotated[int | None, Query(ge=1, le=MOST_TAIL, description="Only the last lines; not together with follow.")]
AttemptNumber = Annotated[int | None, Query(ge=1, le=10_000, description="Default: the latest attempt.")]


@router.get(
    "/jobs/{dag_id}/runs/{run}/logs",
    dependencies=[read_logs],
    response_class=StreamingResponse,
    responses=examples.logs(),
)
async def read_run_logs(  # noqa: PLR0913, PLR0917 - the parts of a request
    request: Request,
    dag_id: JobId,
    run: RunId,
    user: GetUserDep,
    follow: Follow = False,  # noqa: FBT002 - of a query
    tail: Tail = None,
) -> StreamingResponse:
    """Read the logs of all tasks of a run, in the order of their starts: lines of JSON with the task and the key."""
    source = await run_in_threadpool(_of_run, dag_id, run)
    return _stream(request, user, source, follow=follow, tail=tail)


@router.get(
    "/jobs/{dag_id}/runs/{run}/subtasks/{key:path}/logs",
    dependencies=[read_logs],
    response_class=StreamingResponse,
    responses=examples.logs(),
)
async def read_subtask_logs(  # noqa: PLR0913, PLR0917 - the parts of a request
    request: Request,
    dag_id: JobId,
    run: RunId,
    key: SubtaskKey,
    user: GetUserDep,
    step: Step = None,
    attempt: AttemptNumber = None,
    follow: Follow = False,  # noqa: FBT002 - of a query
    tail: Tail = None,
) -> StreamingResponse:
    """Read the log of a subtask. Subtasks of a batch have one log in common."""
    source = await run_in_threadpool(_of_subtask, dag_id, run, key, step, attempt)
    return _stream(request, user, source, follow=follow, tail=tail)


def _of_run(dag_id: str, run: str) -> Source:
    with create_session(scoped=False) as session:
        return Source(found_run(session, dag_id, run).ref)


def _of_subtask(dag_id: str, run: str, key: str, step: str | None, attempt: int | None) -> Source:
    with create_session(scoped=False) as session:
        row = found_run(session, dag_id, run)
        found = subtask_documents.instance(session, row, key, step)
        if found is None:
            raise not_found(f"subtask {key[:200]!r} of the run {run}")
        return Source(row.ref, *found, attempt)


def _stream(request: Request, user: BaseUser, source: Source, *, follow: bool, tail: int | None) -> StreamingResponse:
    if follow and tail is not None:
        text = f"tail={tail} together with follow=true; expected one of them"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", text)
    logs: Logs = request.app.state.logs
    lines = logs.read(source, follow=follow)
    return stream(request, user, lines if tail is None else last_lines(lines, tail), NDJSON)
