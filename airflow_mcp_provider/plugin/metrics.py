"""The metrics of jobs, through Airflow's own statistics: StatsD, Datadog or OpenTelemetry, as ``[metrics]`` says.

Runs in the API server and in the scheduler; docs/metrics.md has ``METRICS`` as a table. A metric that cannot be sent is
Airflow's affair: it logs that, and the caller goes on. The tag for the job is ``dag_id``, as in Airflow's own metrics:
Prometheus gives its label ``job`` another meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Literal

from airflow.observability.stats import gauge, incr, timing


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: ``kind`` as Airflow's documentation names it, the names of its tags, and what it counts."""

    name: str
    kind: Literal["counter", "gauge", "timer"]
    tags: tuple[str, ...]
    meaning: str

    def tagged(self, *values: str) -> dict[str, str]:
        """Return the tags with their values."""
        return dict(zip(self.tags, values, strict=True))


ADMITTED = Metric("mcp.runs.admitted", "counter", ("dag_id",), "runs that were accepted")
REJECTED = Metric(
    "mcp.runs.rejected",
    "counter",
    ("dag_id", "rule"),
    "runs that were refused, by the rule of `queue`, `conf` or `busy`",
)
QUEUE_TIME = Metric(
    "mcp.runs.queue_time", "timer", ("dag_id",), "from the submit of a run, or its earliest start, to its start"
)
FINISHED = Metric("mcp.runs.finished", "counter", ("dag_id", "state"), "runs that ended")
LENGTH = Metric("mcp.queue.length", "gauge", ("dag_id",), "queued runs; every `[mcp] queue_look_interval`")
RUNNING = Metric("mcp.queue.running", "gauge", ("dag_id",), "active runs, 0 or 1; every `[mcp] queue_look_interval`")
ENQUEUED = Metric("mcp.subtasks.enqueued", "counter", ("dag_id",), "new subtasks")
TRANSACTION_TIME = Metric(
    "mcp.enqueue.transaction_time", "timer", (), "the requests of runners that are answered in one transaction"
)
TRANSACTION_REQUESTS = Metric("mcp.enqueue.transaction_requests", "gauge", (), "how many these were")
INSIDE = Metric("mcp.api_server.requests_inside", "gauge", ("kind",), "requests that an API server processes")
WAITING = Metric("mcp.api_server.requests_waiting", "gauge", ("kind",), "requests that wait for a place")

METRICS = (
    ADMITTED,
    REJECTED,
    QUEUE_TIME,
    FINISHED,
    LENGTH,
    RUNNING,
    ENQUEUED,
    TRANSACTION_TIME,
    TRANSACTION_REQUESTS,
    INSIDE,
    WAITING,
)


def admitted(job: str) -> None:
    """Count a run that was accepted."""
    incr(ADMITTED.name, tags=ADMITTED.tagged(job))


def rejected(job: str, rule: str) -> None:
    """Count a run that was refused; ``rule`` is the one that refused it."""
    incr(REJECTED.name, tags=REJECTED.tagged(job, rule))


def started(job: str, waited: timedelta) -> None:
    """Record the time from the submit of a run, or from its earliest start, to its start."""
    timing(QUEUE_TIME.name, waited, tags=QUEUE_TIME.tagged(job))


def finished(job: str, state: str) -> None:
    """Count a run that has ended; ``state`` is Airflow's."""
    incr(FINISHED.name, tags=FINISHED.tagged(job, state))


def queue(job: str, length: int, running: int) -> None:
    """Record how many runs of a job wait, and whether one is active."""
    gauge(LENGTH.name, length, tags=LENGTH.tagged(job))
    gauge(RUNNING.name, running, tags=RUNNING.tagged(job))


def enqueued(job: str, subtasks: int) -> None:
    """Count new subtasks."""
    if subtasks:
        incr(ENQUEUED.name, subtasks, tags=ENQUEUED.tagged(job))


@contextmanager
def transaction(requests: int) -> Iterator[None]:
    """Record how long the requests of runners that are answered in one transaction take, and how many they are."""
    begun = monotonic()
    yield
    timing(TRANSACTION_TIME.name, timedelta(seconds=monotonic() - begun))
    gauge(TRANSACTION_REQUESTS.name, requests)


def requests(kind: str, inside: int, waiting: int) -> None:
    """Record how many requests of a kind are processed and wait in this API server."""
    gauge(INSIDE.name, inside, tags=INSIDE.tagged(kind))
    gauge(WAITING.name, waiting, tags=WAITING.tagged(kind))
