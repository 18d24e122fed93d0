"""The requests of ``/job-control/v1``: each is described once, and sent by both clients.

A description is a value: the method, the path, the query, the body, and how the response is read. The functions here
are the methods of ``JobClient`` and ``AsyncJobClient``; their docstrings are those of the methods.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from airflow_mcp_provider.client.models import (
    PREFIX,
    Accepted,
    Cancel,
    Cancelled,
    Job,
    Jobs,
    JobSummary,
    Model,
    Retried,
    Retry,
    Run,
    Runs,
    RunState,
    RunSummary,
    SetParallelism,
    SetPriority,
    Submit,
    Subtask,
    Subtasks,
    SubtaskState,
)
from airflow_mcp_provider.client.run_names import AirflowRuns, RunName
from airflow_mcp_provider.errors import InvalidRequest

T = TypeVar("T")
M = TypeVar("M", bound=Model)
Query = tuple[tuple[str, str], ...]
PAGE = 100
"""Entries per request, the maximum of the server."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request. ``read`` makes the result out of the content of the response.

    ``repeatable``: a second request has no other effect than the first one. ``wait``: seconds for which the server may
    wait before it responds.
    """

    method: str
    path: str
    read: Callable[[bytes], T]
    query: Query = ()
    body: Model | None = None
    headers: Query = ()
    repeatable: bool = True
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; ``next`` is the cursor of the next part."""

    items: list[T]
    next: str | None


Listing = Callable[[str | None], Call[Page[T]]]
"""The request for the page with a cursor."""


def submit(  # noqa: PLR0913 - the parts of a submit
    job: str,
    conf: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
    priority: int | None = None,
    note: str | None = None,
    not_before: datetime | None = None,
    wait: float = 0,
) -> Call[Accepted]:
    """Submit a run.

    With a ``key``, the same call gives the same run, however often it is made; without one it is not repeated when the
    connection is cut. ``wait``: seconds to wait for the end of the run; if it ends within them, the result has its
    document. Raises Refused when the queue is full.
    """
    body = _body(Submit, conf=_finite(conf or {}), key=key, priority=priority, note=note, not_before=not_before)
    return Call(
        "POST",
        f"{_job(job)}/runs",
        _model(Accepted),
        body=body,
        headers=_prefer(wait, "respond-async"),
        repeatable=key is not None,
        wait=wait,
    )


def run(job: str, run: str, *, wait: float = 0) -> Call[Run]:
    """Read the document of a run; ``wait``: seconds to wait for its end."""
    return Call("GET", _run(job, run), _model(Run), headers=_prefer(wait), wait=wait)


def job(job: str) -> Call[Job]:
    """Read a job: its params, its queue, its latest runs."""
    return Call("GET", _job(job), _model(Job))


def subtask(job: str, run: str, key: str, *, step: str | None = None) -> Call[Subtask]:
    """Read a subtask with its attempts, in a step or in the last one that it reached."""
    return Call("GET", f"{_run(job, run)}/subtasks/{_quoted(key)}", _model(Subtask), query=query_of(step=step))


def jobs(
    *,
    search: str | None = None,
    tag: str | None = None,
    paused: bool | None = None,
    active: bool | None = None,
    page: int = PAGE,
) -> Listing[JobSummary]:
    """Iterate over the jobs by id. ``search``: a part of the id or of the description."""

    def read(content: bytes) -> Page[JobSummary]:
        found = Jobs.model_validate_json(content)
        return Page(found.jobs, found.next)

    query = query_of(search=search, tag=tag, paused=paused, active=active, limit=page)
    return lambda cursor: Call("GET", f"{PREFIX}/jobs", read, query=query + query_of(cursor=cursor))


def runs(job: str, *, states: Iterable[RunState] = (), page: int = PAGE) -> Listing[RunSummary]:
    """Iterate over the runs of a job, the newest first. ``states``: only runs in one of them."""

    def read(content: bytes) -> Page[RunSummary]:
        found = Runs.model_validate_json(content)
        return Page(found.runs, found.next)

    query = tuple(("state", str(state)) for state in states) + query_of(limit=page)
    return lambda cursor: Call("GET", f"{_job(job)}/runs", read, query=query + query_of(cursor=cursor))


def subtasks(  # noqa: PLR0913 - the filters of the server
    job: str,
    run: str,
    *,
    state: SubtaskState | None = None,
    step: str | None = None,
    parent: str | None = None,
    text: str | None = None,
    page: int = PAGE,
) -> Listing[Subtask]:
    """Iterate over the subtasks of a run, step by step. ``text``: a part of the key or of the payload.

    ``parent``: those that the subtask with this key enqueued, with an empty text those that plan enqueued; only these
    have ``children``.
    """

    def read(content: bytes) -> Page[Subtask]:
        found = Subtasks.model_validate_json(content)
        return Page(found.subtasks, found.next)

    path = f"{_run(job, run)}/subtasks"
    query = query_of(state=state, step=step, parent=parent, text=text, limit=page)
    return lambda cursor: Call("GET", path, read, query=query + query_of(cursor=cursor))


def find_runs(run: str) -> Call[list[RunName]]:
    """Return the jobs that have a run with this id; asks Airflow's own REST API, which lists the runs of all DAGs."""

    def read(content: bytes) -> list[RunName]:
        found = AirflowRuns.model_validate_json(content).dag_runs
        return [RunName(job=one.dag_id, run=one.dag_run_id) for one in found if one.dag_run_id == run]

    query = query_of(run_id_pattern=run, order_by="-id", limit=PAGE)
    return Call("GET", "/api/v2/dags/~/dagRuns", read, query=query)


def cancel(job: str, run: str, *, reason: str = "", grace: float | None = None) -> Call[Cancelled]:
    """Cancel a run: no subtask of it starts after the response.

    ``grace``: seconds in which running work may clean up before it is killed.
    """
    return _post(f"{_run(job, run)}/cancel", _model(Cancelled), _body(Cancel, reason=reason, grace=grace))


def retry(job: str, run: str, *, keys: Iterable[str] | None = None) -> Call[Retried]:
    """Run subtasks of an ended run again, by default all that failed or were skipped; everything else is kept."""
    body = _body(Retry, keys=None if keys is None else list(keys))
    return Call("POST", f"{_run(job, run)}/retry", _model(Retried), body=body, repeatable=False)


def set_priority(job: str, run: str, priority: int) -> Call[None]:
    """Change the priority of a queued run."""
    return _post(f"{_run(job, run)}/priority", _nothing, _body(SetPriority, priority=priority))


def set_parallelism(job: str, run: str, parallelism: int | None) -> Call[None]:
    """Change how many subtasks of an active run may run at the same time; None: the value of the spec."""
    return _post(f"{_run(job, run)}/parallelism", _nothing, _body(SetParallelism, parallelism=parallelism))


def pause(job: str) -> Call[None]:
    """Pause a job: no run of it starts."""
    return _post(f"{_job(job)}/pause", _nothing)


def resume(job: str) -> Call[None]:
    """Resume a paused job."""
    return _post(f"{_job(job)}/resume", _nothing)


def delete(job: str, run: str) -> Call[None]:
    """Delete an ended run."""
    return Call("DELETE", _run(job, run), _nothing, repeatable=False)


def events_path(job: str, run: str) -> str:
    """Return the path of the events of a run."""
    return f"{_run(job, run)}/events"


def logs_path(job: str, run: str, key: str | None) -> str:
    """Return the path of the logs of a run, or of the log of one subtask."""
    return f"{_run(job, run)}/logs" if key is None else f"{_run(job, run)}/subtasks/{_quoted(key)}/logs"


def _body(kind: type[M], **values: object) -> M:
    """Return a body; raises InvalidRequest for a value that the server would refuse."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)]
        raise InvalidRequest("; ".join(found)[:2000], url=kind.__name__, next_step="change the request") from None


def _finite(conf: Mapping[str, Any]) -> dict[str, Any]:
    """Return a conf; raises InvalidRequest for NaN and infinity, which would be sent as null."""
    try:
        json.dumps(conf, allow_nan=False, default=str)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"conf: {error}; expected JSON", url="conf", next_step="change the request") from None
    return dict(conf)


def _post(path: str, read: Callable[[bytes], T], body: Model | None = None) -> Call[T]:
    return Call("POST", path, read, body=body)


def _model(kind: type[M]) -> Callable[[bytes], M]:
    return kind.model_validate_json


def _nothing(_: bytes) -> None:
    return None


def _prefer(wait: float, *more: str) -> Query:
    return (("Prefer", ", ".join((*more, f"wait={wait:.0f}"))),) if wait > 0 else ()


def query_of(**values: object) -> Query:
    """Return the query of a request, without the values that are None."""
    return tuple((name, _text(value)) for name, value in values.items() if value is not None)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _job(job: str) -> str:
    return f"{PREFIX}/jobs/{_id(job)}"


def _run(job: str, run: str) -> str:
    return f"{_job(job)}/runs/{_id(run)}"


def _id(text: str) -> str:
    """Return an id in a path; raises InvalidRequest for one with a slash, which would be the path of another route."""
    if "/" in text:
        problem = f"invalid id {text[:80]!r}; expected the id of a job or a run, which has no slash"
        raise InvalidRequest(problem, url="id", next_step="change the id")
    return _quoted(text)


def _quoted(text: str) -> str:
    # A part of only dots would be removed from the path.
    return text.replace(".", "%2E") if text in {".", ".."} else quote(text, safe="")
