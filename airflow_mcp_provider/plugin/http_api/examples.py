"""Examples of the OpenAPI document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from airflow_mcp_provider.client.models import PREFIX, Accepted, Problem

Responses = dict[int | str, dict[str, Any]]
_RUN = "key__0b7e0d3f6c8a4e51b1d2c3a4f5e6d7c8"
_URL = f"{PREFIX}/jobs/inventory/runs/{_RUN}"
_DETAILS = {
    404: ("not_found", "job inventory not found"),
    409: ("invalid_spec", "job inventory has an import error: jobs/inventory.yaml:7: run: field required"),
    422: ("conf", "unknown param 'pth' of the job inventory; expected path"),
    429: (
        "max_pending",
        "job inventory: 20 runs are queued, and queue.max_pending is 20; try again when one has started",
    ),
}
_DOCUMENT = {
    "job": "inventory",
    "run": _RUN,
    "state": "running",
    "done": False,
    "position": None,
    "reason": None,
    "priority": 0,
    "parallelism": 8,
    "submitter": "anna",
    "conf": {"path": "/usr/share"},
    "submitted": "2026-01-01T00:00:00Z",
    "not_before": None,
    "started": "2026-01-01T00:00:02Z",
    "ended": None,
    "progress": {
        "known": 120,
        "done": 80,
        "failed": 1,
        "skipped": 0,
        "running": 8,
        "fraction": 0.675,
        "rate": 4.2,
        "eta": "2026-01-01T00:00:31Z",
        "message": "reading /usr/share/doc",
        "steps": [
            {"step": "run", "known": 120, "waiting": 31, "running": 8, "succeeded": 80, "failed": 1, "skipped": 0}
        ],
    },
    "result": None,
    "error": None,
    "note": None,
    "links": {
        "self": _URL,
        "subtasks": f"{_URL}/subtasks",
        "events": f"{_URL}/events",
        "logs": f"{_URL}/logs",
        "job": f"{PREFIX}/jobs/inventory",
        "ui": f"/dags/inventory/runs/{_RUN}",
    },
}

_SCHEMA = {"$ref": "#/components/schemas/Run"}
_DATA = {"type": "string", "contentMediaType": "application/json", "contentSchema": _SCHEMA}


def errors(*statuses: int) -> Responses:
    """Return the documentation of error responses; every route may also respond 401 and 403."""
    return {status: _problem(status, *_DETAILS[status]) for status in statuses}


def conflict(word: str, detail: str) -> Responses:
    """Return the documentation of the errors of a request that a run in another state cannot carry out."""
    return {**errors(404), 409: _problem(409, word, detail)}


def too_many_streams() -> Responses:
    """Return the documentation of the errors of a stream, or of a wait."""
    detail = "500 streams and waits of this user are open; expected fewer than 500 in one API server"
    return {**errors(404), 429: _problem(429, "too_many_streams", detail)}


def _problem(status: int, word: str, detail: str) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    example = Problem(type=f"urn:airflow-mcp:{word}", title=phrase, status=status, detail=detail)
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"schema": schema, "example": example.model_dump(exclude_none=True)}
    return {"description": phrase, "content": {"application/problem+json": content}}


def run() -> Responses:
    """Return the example of a run's document."""
    return {200: {"content": {"application/json": {"example": _DOCUMENT}}}}


def accepted() -> Responses:
    """Return the examples of the answers to a submit."""
    example = {"run": _RUN, "state": "queued", "position": 4, "eta": "2026-01-01T00:01:30Z", "status_url": _URL}
    content = {"application/json": {"example": example}}
    same = {"description": "The run exists already, or it has ended within the preferred time.", "content": content}
    return {202: {"content": content}, 200: {**same, "model": Accepted}}


def events() -> Responses:
    """Return the examples of streams of events."""
    sse = 'id: 1767225602000\nevent: progress\ndata: {"job": "inventory", "state": "running", "done": false}\n\n'
    line = '{"id": 1767225602000, "event": "progress", "run": {"job": "inventory", "state": "running"}}\n'
    content = {
        "text/event-stream": {"schema": _event("string", "data", _DATA), "example": sse},
        "application/x-ndjson": {"schema": _event("integer", "run", _SCHEMA), "example": line},
    }
    return {200: {"description": "A stream of events.", "content": content}, **too_many_streams()}


def _event(number: str, name: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one event of a stream."""
    names = {"id": {"type": number}, "event": {"enum": ["progress", "done"]}, name: document}
    return {"description": "Each event.", "type": "object", "properties": names, "required": [*names]}


def logs() -> Responses:
    """Return the example of a stream of log lines."""
    line = '{"task": "run", "map_index": 3, "key": "/usr/share/doc", "attempt": 1, "event": "reading 12 files"}\n'
    content = {"application/x-ndjson": {"schema": {"type": "string"}, "example": line}}
    return {200: {"description": "Lines of JSON.", "content": content}, **too_many_streams()}
