"""The logs of a run or of one subtask as lines of JSON, read by Airflow's own log reader; with ``follow`` to the end.

The database is read in a session that ends before a log is read. Airflow's reader starts at the beginning of a file
each time. So a follower looks again every second, but reads for a tenth of the time at most, and a few logs of running
tasks at once; a few followers are served at the same time.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run
from airflow_mcp_provider.plugin.db.states import OVER, RUN_ENDED
from airflow_mcp_provider.plugin.db.tables import DagRun, TaskInstance, TaskInstanceState, create_session
from airflow_mcp_provider.plugin.http_api.airflow_internals import TaskLogReader, loaded, past_attempt

THREADS = 2
"""Each needs a database connection: for a look, and for the name of a log's file."""
LOOK_S, COMMENT_S = 1.0, 15.0
SHARE = 10
PAGE, OPEN = 100, 20
LINES = 200
"""Lines that are read and sent at once."""
LATE = timedelta(seconds=30)
"""How much later than its start a task instance may appear."""
T = TypeVar("T")
NAMED_WITHIN = timedelta(seconds=10)
NOT_LOG = ("::group::", "::endgroup::")


@dataclass(frozen=True, slots=True)
class Source:
    """Whose logs: of the whole run, or of one task instance; of an attempt, by default the latest."""

    run: RunRef
    task_id: str | None = None
    map_index: int = -1
    attempt: int | None = None

    @property
    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """The conditions for the task instances."""
        mine = (*of_run(TaskInstance, self.run), TaskInstance.start_date.is_not(None))
        if self.task_id is None:
            return mine
        return (*mine, TaskInstance.task_id == self.task_id, TaskInstance.map_index == self.map_index)


@dataclass
class Opened:
    """A log that is read; ``position`` is what Airflow's reader continues with."""

    instance: Any
    attempt: int
    position: dict[str, Any] = field(default_factory=lambda: {"log_pos": 0})

    @property
    def ended(self) -> bool:
        """Whether no further line is expected."""
        return bool(self.instance.try_number != self.attempt or self.instance.state != TaskInstanceState.RUNNING)

    @property
    def unnamed(self) -> bool:
        """Whether its key is not known yet: a runner sends it just after its start, and some lines are older."""
        young = self.instance.start_date is not None and clock.now() - self.instance.start_date < NAMED_WITHIN
        return not self.ended and young and self.instance.rendered_map_index == str(self.instance.map_index)

    def lines(self) -> Iterator[str]:
        """Read what was written since the last time."""
        names = {
            "task": self.instance.task_id,
            "map_index": self.instance.map_index,
            "key": self.instance.rendered_map_index,
            "attempt": self.attempt,
        }
        stream, position = TaskLogReader().read_log_chunks(self.instance, self.attempt, dict(self.position))  # type: ignore[arg-type]  # Airflow's TypedDict
        for line in stream:
            if not line.event.startswith(NOT_LOG):
                yield json.dumps(_named(line.model_dump(mode="json", exclude_none=True), names), default=str) + "\n"
        self.position = dict(position)


def _named(line: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Return a line with our names; fields of the task that have the same ones are in ``fields``."""
    same = {name: line[name] for name in (*names, "fields") if name in line}
    return {**line, **names, **({"fields": same} if same else {})}


class Tracker:
    """Finds the task instances whose logs are to be read, in the order of their starts."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._after: datetime | None = None
        self._seen: set[tuple[str, int, int]] = set()
        self.waiting: list[Opened] = []
        self.open: list[Opened] = []
        self._ended = False
        self._found_all = False

    def look(self) -> None:
        """Read the database: new task instances, and the states of those whose logs are open."""
        with create_session(scoped=False) as session:
            self._ended = self._has_ended(session)
            self._found_all = False
            if self._source.attempt is not None:
                self._look_at_attempt(session, self._source.attempt)
            else:
                self._refresh(session)
                if len(self.waiting) < OPEN:
                    self._find(session)
            session.expunge_all()
        while self.waiting and len(self.open) < OPEN:
            self.open.append(self.waiting.pop(0))

    def _has_ended(self, session: Session) -> bool:
        """Whether the run, or the subtask, will write no further log."""
        run = session.scalar(select(DagRun.state).where(DagRun.id == self._source.run.id))
        if run is None or run in RUN_ENDED:
            return True
        state = (
            None
            if self._source.task_id is None
            else session.scalar(select(TaskInstance.state).where(*self._source.conditions))
        )
        return state in OVER

    def _look_at_attempt(self, session: Session, attempt: int) -> None:
        self._found_all = True
        found = session.scalars(loaded().where(*self._source.conditions)).unique().first()
        if found is not None and found.try_number != attempt:
            found = past_attempt(session, found, attempt)
        if found is not None:
            position = self.open[0].position if self.open else {"log_pos": 0}
            self.open = [Opened(found, attempt, position)]
            self._ended = self._ended or self.open[0].ended

    def _refresh(self, session: Session) -> None:
        ids = [one.instance.id for one in self.open]
        found = (
            {one.id: one for one in session.scalars(loaded().where(TaskInstance.id.in_(ids))).unique()} if ids else {}
        )
        for one in self.open:
            one.instance = found.get(one.instance.id) or _gone(one.instance)

    def _find(self, session: Session) -> None:
        query = loaded().where(*self._source.conditions).order_by(TaskInstance.start_date, TaskInstance.id)
        if self._after is not None:
            query = query.where(TaskInstance.start_date >= self._after)
        fresh = [one for one in session.scalars(query.limit(PAGE + len(self._seen))).unique() if self._is_new(one)]
        self.waiting += [Opened(one, one.try_number) for one in fresh[:PAGE]]
        self._seen |= {_name(one) for one in fresh[:PAGE]}
        self._found_all = len(fresh) < PAGE
        if fresh:
            self._after = min(fresh[:PAGE][-1].start_date, clock.now() - LATE)

    def _is_new(self, instance: Any) -> bool:  # noqa: ANN401 - a TaskInstance
        return _name(instance) not in self._seen

    def was_read(self, *, follow: bool) -> None:
        """Forget the logs that were read to their ends, which may still grow for those who do not follow."""
        self.open = [one for one in self.open if follow and not one.ended]

    @property
    def hurries(self) -> bool:
        """Whether there are further logs already, and room for them."""
        return self.more and len(self.open) <= OPEN // 2

    @property
    def more(self) -> bool:
        """Whether there are further logs already, beside those that are open."""
        return bool(self.waiting) or not self._found_all

    def over(self, *, follow: bool) -> bool:
        """Whether there is nothing more to read; known after a look that has found no full page."""
        return not self.more and (not follow or (self._ended and not self.open))


def _name(instance: Any) -> tuple[str, int, int]:  # noqa: ANN401 - a TaskInstance
    return instance.task_id, instance.map_index, instance.try_number


def _gone(instance: Any) -> Any:  # noqa: ANN401 - a TaskInstance
    """Return a task instance whose row is another attempt's now; it is not in a session."""
    instance.state = TaskInstanceState.FAILED
    return instance


@dataclass
class Took:
    """How long a look of one follower took, with its reading and its waiting for a thread; not that of its client."""

    seconds: float = 0.0

    @property
    def pause(self) -> float:
        """The seconds before the next look."""
        return min(COMMENT_S, max(LOOK_S, SHARE * self.seconds))


class Logs:
    """Reads the logs of all clients, in a few threads: one look or batch of lines of each client at a time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="mcp-logs")
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End all streams that follow: the server ends."""
        self._stopped.set()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def read(self, source: Source, *, follow: bool) -> AsyncIterator[str]:
        """Yield lines; with ``follow`` until the run, or the attempt, has ended; an empty line when there is none."""
        tracker, said = Tracker(source), time.monotonic()
        while True:
            took = Took()
            await self._in_thread(took, tracker.look)
            for one in [one for one in tracker.open if not (follow and one.unnamed)]:
                async for text in self._batches(took, one):
                    said = time.monotonic()
                    yield text
            tracker.was_read(follow=follow)
            if self._stopped.is_set() or tracker.over(follow=follow):
                return
            if not tracker.hurries:
                with suppress(TimeoutError):
                    async with asyncio.timeout(took.pause):
                        await self._stopped.wait()
            if time.monotonic() - said >= COMMENT_S:
                said = time.monotonic()
                yield "\n"

    async def _batches(self, took: Took, one: Opened) -> AsyncIterator[str]:
        lines = one.lines()
        while batch := await self._in_thread(took, partial(_take, lines)):
            yield "".join(batch)

    async def _in_thread(self, took: Took, work: Callable[[], T]) -> T:
        begun = time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            took.seconds += time.monotonic() - begun


def _take(lines: Iterator[str]) -> list[str]:
    return list(islice(lines, LINES))
