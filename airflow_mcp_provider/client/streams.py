"""Streams of lines of JSON: the events of a run, and logs. A stream goes on where the connection was cut.

A stream knows what it has received. The clients open its request, again after a cut, and give it each line.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import ConfigDict, JsonValue, ValidationError

from airflow_mcp_provider.client.calls import Call, Query, events_path, logs_path, query_of
from airflow_mcp_provider.client.models import Event, Model, Run
from airflow_mcp_provider.errors import RequestFailed

T = TypeVar("T")
M = TypeVar("M", bound=Model)
NDJSON = "application/x-ndjson"
QUIET_S = 45.0
"""A connection without a line for so long is cut: the server sends an empty line every 15 s."""


class RunEvent(Model):
    """A change of a run's document."""

    id: int
    event: Event
    run: Run


class LogLine(Model):
    """A line of a log. Further fields are those that the task has logged."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    task: str
    map_index: int
    key: str | None = None
    attempt: int
    timestamp: datetime | None = None
    level: str | None = None
    event: JsonValue = ""


@dataclass
class Stream(Generic[T]):
    """What one call follows. ``done``: there is nothing more to come."""

    path: str
    done: bool = False

    def request(self) -> Call[bytes]:
        """Return the request that continues the stream."""
        raise NotImplementedError

    def take(self, line: str) -> T | None:
        """Return what a line has; None for one that was received before the cut, or that is empty."""
        raise NotImplementedError

    def ended(self) -> None:
        """Note that the server has sent its last line."""
        raise NotImplementedError

    def _request(self, *headers: tuple[str, str], query: Query = ()) -> Call[bytes]:
        return Call("GET", self.path, bytes, query=query, headers=(("Accept", NDJSON), *headers))


@dataclass
class RunEvents(Stream[Run]):
    """The documents of a run; the last one is that of the ended run."""

    last: int | None = None

    def request(self) -> Call[bytes]:
        """Return the request for the events after the last one that was received."""
        return self._request() if self.last is None else self._request(("Last-Event-ID", str(self.last)))

    def take(self, line: str) -> Run | None:
        """Return the document of an event."""
        if not line.strip():
            return None
        found = _read(RunEvent, line)
        self.last = found.id
        self.done = found.event == "done"
        return found.run

    def ended(self) -> None:
        """Go on, if the run has not ended: the server was stopped."""


@dataclass
class LogLines(Stream[LogLine]):
    """The lines of the logs of a run or of a subtask, in order within each log."""

    query: Query = ()
    received: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    repeated: Counter[tuple[str, int, int]] = field(default_factory=Counter)

    def request(self) -> Call[bytes]:
        """Return the request for all lines: the server starts each log from its beginning."""
        self.repeated = Counter(self.received)
        return self._request(query=self.query)

    def take(self, line: str) -> LogLine | None:
        """Return a line, unless it was received over an earlier connection."""
        if not line.strip():
            return None
        found = _read(LogLine, line)
        log = (found.task, found.map_index, found.attempt)
        if self.repeated[log]:
            self.repeated[log] -= 1
            return None
        self.received[log] += 1
        return found

    def ended(self) -> None:
        """Note that the logs are complete."""
        self.done = True


def _read(kind: type[M], line: str) -> M:
    """Return what a line has; raises RequestFailed for one that the server should not send."""
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        text = f"unexpected line: {error.errors(include_input=False)[0]['msg']}"
        step = "use the client and the server of one version"
        raise RequestFailed(text, url=kind.__name__, next_step=step) from None


def stream(job: str, run: str) -> Stream[Run]:
    """Iterate over the documents of a run as it changes, until it has ended."""
    return RunEvents(events_path(job, run))


def logs(  # noqa: PLR0913 - the filters of the server
    job: str,
    run: str,
    key: str | None = None,
    *,
    step: str | None = None,
    attempt: int | None = None,
    follow: bool = False,
) -> Stream[LogLine]:
    """Iterate over the lines of the logs of a run, or of one subtask; with ``follow`` until it has ended."""
    return LogLines(logs_path(job, run, key), query=query_of(step=step, attempt=attempt, follow=follow or None))
