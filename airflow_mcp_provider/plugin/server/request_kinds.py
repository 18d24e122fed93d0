"""Which kind of request one is, by its path: what it may wait behind, and what may wait behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from airflow_mcp_provider.constants import MOST_STREAMS

UI, RUNNER, SUBMIT, LOGS, HEALTH = "ui", "runner", "submit", "logs", "health"
WAIT, FOLLOW, CONTROL = "wait", "follow", "control"
"""UI: people and programs, of every API but the runners'. HEALTH has a place of its own.

SUBMIT creates runs, and waits with a connection in hand while another transaction commits a run of the same job
(``plugin.admission``), so few of them have places. LOGS may stream for long, so they have half of the places.
WAIT is Airflow's ``…/wait``, which begins as any request and then looks now and then, by another pool: it has a place
as UI until its answer begins, and a place of its own to the end. FOLLOW is the same for streams of the HTTP API
(``plugin.http_api``): between two looks they use no thread and no connection, so there are more.
CONTROL changes a run or a job (``plugin.control``), and may wait for the scheduler without a thread or a connection: it
has places of its own, and one of the others until its permission was asked.
"""
OF_THEIR_OWN = {HEALTH: 1, WAIT: 64, FOLLOW: MOST_STREAMS, CONTROL: 8}
BEGIN_AS = {WAIT: UI, FOLLOW: UI, CONTROL: CONTROL}
"""As what those of them begin that use a thread and a connection at first."""
FREE = ("/static/", "/docs", "/redoc", "/openapi.json", "/favicon")
"""Files: no thread waits for the database there."""
HEALTH_PATHS = ("/api/v2/monitor/health", "/api/v2/version", "/execution/health")
_HEARTBEAT = re.compile(r"/execution/task-instances/[^/]+/heartbeat")
_LOGS = re.compile(r"/api/v2/dags/[^/]+/dagRuns/.+/taskInstances/.+/logs/\d+")
_SUBMIT = re.compile(
    r"/api/v2/dags/[^/]+/dagRuns|/api/v2/backfills|/api/v2/assets/[^/]+/materialize"
    r"|/job-control/v1/jobs/[^/]+/runs|/execution/dag-runs/[^/]+/.+"
)
_STREAMS = {
    WAIT: re.compile(r"/api/v2/dags/[^/]+/dagRuns/.+/wait"),
    FOLLOW: re.compile(r"/job-control/v1/jobs/[^/]+/runs/.+/(events|logs)"),
}
STREAMS = frozenset(_STREAMS)
_CONTROL = re.compile(r"/job-control/v1/jobs/[^/]+/(pause|resume|runs/.+)")
MOST_SUBMIT = 4
NDJSON = b"application/x-ndjson"


def kind_of(method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the kind of a request; None for one that needs no place."""
    if path.startswith(FREE):
        return None
    if path.startswith(HEALTH_PATHS):
        return HEALTH
    if (changes := _change(method, path)) is not None:
        return changes
    if path.startswith("/execution/"):
        return RUNNER
    return _stream(method, path, headers) or UI


def _change(method: str, path: str) -> str | None:
    if method == "POST" and _SUBMIT.fullmatch(path):
        return SUBMIT
    return CONTROL if method in {"POST", "DELETE"} and _CONTROL.fullmatch(path) else None


def _stream(method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    if method == "GET" and (kind := next((name for name, form in _STREAMS.items() if form.fullmatch(path)), None)):
        return kind
    lines = any(name == b"accept" and NDJSON in value for name, value in headers)
    return LOGS if lines and _LOGS.fullmatch(path) else None


def is_urgent(path: str) -> bool:
    """Whether a runner's request goes before other runners': a runner whose heartbeats come late is given up."""
    return _HEARTBEAT.fullmatch(path) is not None


def shares(limit: int) -> dict[str, int]:
    """Return how many of ``limit`` places each kind may have."""
    half = max(1, limit // 2)
    return {UI: limit, RUNNER: limit, SUBMIT: min(MOST_SUBMIT, half), LOGS: half, CONTROL: half}
