"""The route that creates runs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool

from airflow_mcp_provider.client.models import PREFIX, Accepted, Key, RunState, Submit
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.tables import create_session
from airflow_mcp_provider.plugin.http_api import examples, submit
from airflow_mcp_provider.plugin.http_api.access import JobId, ReadsErrors, ReadsResults, ReadsRuns, submit_runs
from airflow_mcp_provider.plugin.http_api.airflow_internals import GetUserDep
from airflow_mcp_provider.plugin.http_api.places import give_back_place
from airflow_mcp_provider.plugin.http_api.preferences import applied, preferred_wait
from airflow_mcp_provider.plugin.http_api.problems import ApiError
from airflow_mcp_provider.plugin.http_api.run_routes import watches
from airflow_mcp_provider.plugin.http_api.snapshots import Snapshot
from airflow_mcp_provider.plugin.http_api.submit import Made
from airflow_mcp_provider.plugin.http_api.user_streams import may_wait, waiting

router = APIRouter(tags=["runs"])


@router.post(
    "/jobs/{dag_id}/runs",
    dependencies=[submit_runs],
    status_code=HTTPStatus.ACCEPTED,
    response_model=Accepted,
    responses={**examples.accepted(), **examples.errors(404, 409, 422, 429)},
)
async def submit_run(  # noqa: PLR0913, PLR0917 - the parts of a request
    request: Request,
    dag_id: JobId,
    body: Submit,
    user: GetUserDep,
    may_see: ReadsResults,
    may_read: ReadsRuns,
    may_see_errors: ReadsErrors,
    idempotency_key: Annotated[Key | None, Header(description="As the field ``key``.")] = None,
    prefer: Annotated[str | None, Header(description="wait=30: wait up to 30 s for the end of the run.")] = None,
) -> Response:
    """Submit a run. 202: it is queued. 200: it exists already, or it has ended within ``Prefer: wait``.

    The same key and body give the same run, however often and however soon they are sent, until the run is deleted.
    Another body with the same key is refused. A user's keys are the user's own.
    """
    whole = _with_key(body, idempotency_key)
    wanted = submit.Request(dag_id, user.get_name(), str(user.get_id()), whole, may_see_errors)
    made = await run_in_threadpool(submit.submit, wanted)
    answer = await run_in_threadpool(_accepted, dag_id, made.run_id)
    document = None
    # The run exists: the submit is not refused where too many wait, but does not wait either.
    seconds = preferred_wait(prefer) if may_wait(request, user) else 0.0
    if seconds:
        with waiting(request, user):
            give_back_place(request)  # from here on without a thread and a connection
            found = (await watches(request).wait(dag_id, made.run_id, seconds)).latest
        answer = answer if found is None else _later(answer, found)
        document = found.text(may_see=may_see).body if found is not None and found.done and may_read else None
    return _response(request, answer, made, document, applied(prefer, seconds))


def _with_key(body: Submit, key: str | None) -> Submit:
    if key is None:
        return body
    if body.key not in {None, key}:
        text = f"Idempotency-Key {key!r} differs from the field key {body.key!r}; expected one of the two"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "key_reused", text)
    return body.model_copy(update={"key": key})


def _accepted(dag_id: str, run_id: str) -> Accepted:
    with create_session(scoped=False) as session:
        return submit.accepted(session, dag_id, run_id)


def _later(answer: Accepted, found: Snapshot) -> Accepted:
    """Return the answer with what a wait has found."""
    queued = found.state is RunState.QUEUED
    changed = {"state": found.state, "position": found.position, "eta": answer.eta if queued else None}
    return answer.model_copy(update=changed)


def _response(
    request: Request, answer: Accepted, made: Made, document: bytes | None, preferences: dict[str, str]
) -> Response:
    ready = answer.state.done or not made.new
    # The path before that of the application is the one under which a proxy has the API server.
    location = request.scope.get("root_path", "").removesuffix(PREFIX) + answer.status_url
    headers = {"Location": location, **preferences}
    if not answer.state.done:
        headers["Retry-After"] = str(submit.retry_after(answer, clock.now()))
    status = HTTPStatus.OK if ready else HTTPStatus.ACCEPTED
    return Response(_with(answer, document), status, headers, "application/json")


def _with(answer: Accepted, document: bytes | None) -> bytes:
    """Return the answer as JSON, with a document that is JSON already."""
    plain = answer.model_dump_json(exclude={"document"}).encode()
    return b'%s,"document":%s}' % (plain[:-1], document or b"null")
