"""Routes of runs: lists, the document of a run, and its events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from airflow_mcp_provider.client.models import Run, Runs, RunState
from airflow_mcp_provider.plugin.http_api import etags, examples, snapshots
from airflow_mcp_provider.plugin.http_api.access import JobId, ReadsResults, RunId, read_runs
from airflow_mcp_provider.plugin.http_api.airflow_internals import GetUserDep, SessionDep
from airflow_mcp_provider.plugin.http_api.places import give_back_place
from airflow_mcp_provider.plugin.http_api.preferences import applied, preferred_wait
from airflow_mcp_provider.plugin.http_api.problems import not_found
from airflow_mcp_provider.plugin.http_api.snapshots import Snapshot, Text
from airflow_mcp_provider.plugin.http_api.streams import NDJSON, SSE, ndjson, sse
from airflow_mcp_provider.plugin.http_api.user_streams import stream, waiting
from airflow_mcp_provider.plugin.http_api.watch import Watches
from airflow_mcp_provider.plugin.http_api.watched import Watch, event_id
from airflow_mcp_provider.plugin.status import job_documents, job_rows

router = APIRouter(tags=["runs"])
Limit = Annotated[int, Query(ge=1, le=100, description="The largest number of entries of a page.")]
Cursor = Annotated[str | None, Query(description="The field ``next`` of the page before.", max_length=100)]
_AIRFLOWS = {RunState.QUEUED: ("queued",), RunState.RUNNING: ("running",), RunState.CANCELLING: ("running", "failed")}
_ENDED = {RunState.COMPLETED: ("success",), RunState.PARTIAL: ("success",)}


@router.get("/jobs/{dag_id}/runs", dependencies=[read_runs], responses=examples.errors(404))
def list_runs(
    dag_id: JobId,
    session: SessionDep,
    state: Annotated[list[RunState] | None, Query(description="Only runs in one of these states.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Runs:
    """List the runs of a job, the newest first. A page may have fewer runs than ``limit`` and still a next one."""
    if job_rows.one(session, dag_id) is None:
        raise not_found(f"job {dag_id}")
    wanted = state or []
    states = sorted({one for name in wanted for one in _AIRFLOWS.get(name) or _ENDED.get(name) or ("failed",)})
    found = job_documents.runs(session, dag_id, states, cursor, limit)
    return found.model_copy(update={"runs": [run for run in found.runs if not wanted or run.state in wanted]})


@router.get(
    "/jobs/{dag_id}/runs/{run}",
    dependencies=[read_runs],
    response_model=Run,
    responses={304: {"description": "It has not changed."}, **examples.run(), **examples.too_many_streams()},
)
async def read_run(  # noqa: PLR0913, PLR0917 - the parts of a request
    request: Request,
    dag_id: JobId,
    run: RunId,
    may_see: ReadsResults,
    user: GetUserDep,
    if_none_match: Annotated[str | None, Header(description="The ETag of the document that the client has.")] = None,
    prefer: Annotated[str | None, Header(description="wait=30: wait up to 30 s for the end of the run.")] = None,
) -> Response:
    """Read the document of a run. Its ``ETag`` is the same as long as nothing has changed."""
    if seconds := preferred_wait(prefer):
        with waiting(request, user):
            give_back_place(request)
            found = (await watches(request).wait(dag_id, run, seconds)).latest
    else:
        found = await run_in_threadpool(_look, dag_id, run)
    if found is None:
        raise not_found(f"run {run} of the job {dag_id}")
    more = {} if found.done else {"Retry-After": "2"}
    return _document(found.text(may_see=may_see), if_none_match, {**more, **applied(None, seconds)})


def _look(dag_id: str, run_id: str) -> Snapshot | None:
    found = snapshots.look(dag_id, run_id)
    return None if found is None else snapshots.of(found)


def _document(found: Text, if_none_match: str | None, more: dict[str, str]) -> Response:
    headers = {"ETag": found.tag, "Cache-Control": "private, no-cache", **more}
    if etags.names(if_none_match, found.tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(found.body, media_type="application/json", headers=headers)


def watches(request: Request) -> Watches:
    """Return the watched runs of the application."""
    found: Watches = request.app.state.watches
    return found


@router.get(
    "/jobs/{dag_id}/runs/{run}/events",
    dependencies=[read_runs],
    response_class=StreamingResponse,
    responses={204: {"description": "The run has ended, and the client has its last event."}, **examples.events()},
)
async def read_events(  # noqa: PLR0913, PLR0917 - the parts of a request
    request: Request,
    dag_id: JobId,
    run: RunId,
    may_see: ReadsResults,
    user: GetUserDep,
    accept: Annotated[str, Header(description=f"{SSE} or {NDJSON}.")] = SSE,
    last_event_id: Annotated[str | None, Header(description="The id of the latest event that the client has.")] = None,
) -> Response:
    """Follow a run: an event for each change of its document, the last one when it has ended.

    As server-sent events, or as lines of JSON with ``Accept: application/x-ndjson``. Ids grow. The first event is the
    latest document; for a client that connects again with ``Last-Event-ID`` the first change that it has not got, if
    this server has it still. A comment (an empty line) comes every 15 s.
    """
    last = event_id(last_event_id)
    found = await watches(request).watch(dag_id, run)
    if found.latest is None:
        raise not_found(f"run {run} of the job {dag_id}")
    if found.has_end(last):
        return Response(status_code=HTTPStatus.NO_CONTENT)
    lines = NDJSON in accept
    kind = NDJSON if lines else SSE
    texts = _texts(watches(request), found, last, may_see=may_see, lines=lines)
    return stream(request, user, texts, kind)


async def _texts(all_runs: Watches, found: Watch, last: int, *, may_see: bool, lines: bool) -> AsyncIterator[bytes]:
    write = ndjson if lines else sse
    async for event in all_runs.follow(found, last):
        yield write(None if event is None else (event.id, event.name, event.run.text(may_see=may_see).body))
