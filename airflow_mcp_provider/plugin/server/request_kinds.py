"""Which kind of request one is, by its path: what it may wait behind, and what may wait behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable

UI, RUNNER, LOGS, HEALTH, WAIT = "ui", "runner", "logs", "health", "wait"
"""UI: people and programs, of every API but the runners'. LOGS may stream for long, so they have half of the places.
HEALTH has a place of its own. WAIT is Airflow's ``…/wait``, which begins as any request and then looks now and then, by
another pool: it has a place as UI until its answer begins, and a place of its own to the end."""
OF_THEIR_OWN = {HEALTH: 1, WAIT: 64}
FREE = ("/static/", "/docs", "/redoc", "/openapi.json", "/favicon")
"""Files: no thread waits for the database there."""
HEALTH_PATHS = ("/api/v2/monitor/health", "/api/v2/version", "/execution/health")
_HEARTBEAT = re.compile(r"/execution/task-instances/[^/]+/heartbeat")
_LOGS = re.compile(r"/api/v2/dags/[^/]+/dagRuns/.+/taskInstances/.+/logs/\d+")
_WAIT = re.compile(r"/api/v2/dags/[^/]+/dagRuns/.+/wait")
NDJSON = b"application/x-ndjson"


def kind_of(method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the kind of a request; None for one that needs no place."""
    if path.startswith(FREE):
        return None
    if path.startswith(HEALTH_PATHS):
        return HEALTH
    if path.startswith("/execution/"):
        return RUNNER
    if method == "GET" and _WAIT.fullmatch(path):
        return WAIT
    if _LOGS.fullmatch(path) and any(name == b"accept" and NDJSON in value for name, value in headers):
        return LOGS
    return UI


def is_urgent(path: str) -> bool:
    """Whether a runner's request goes before other runners': a runner whose heartbeats come late is given up."""
    return _HEARTBEAT.fullmatch(path) is not None


def shares(limit: int) -> dict[str, int]:
    """Return how many of ``limit`` places each kind may have."""
    return {UI: limit, RUNNER: limit, LOGS: max(1, limit // 2)}
