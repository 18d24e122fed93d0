"""The documents of subtasks: pages of a run's subtasks, and one subtask with its attempts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Subtask, Subtasks, SubtaskState, Why
from airflow_mcp_provider.errors import InvalidPayload, InvalidRow
from airflow_mcp_provider.plugin.db import clock, nesting, rows, state_store
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.tables import TaskInstanceState
from airflow_mcp_provider.plugin.growth.batch_outcomes import lost
from airflow_mcp_provider.plugin.growth.batch_state import Batch, Turn
from airflow_mcp_provider.plugin.growth.next_step import is_continued
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.plugin.status import addresses, attempts, subtask_rows
from airflow_mcp_provider.plugin.status.run_rows import RunRow
from airflow_mcp_provider.plugin.status.subtask_rows import Part, Wanted
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.messages import Item, StoredOutcome
from airflow_mcp_provider.runtime.outcome import Error

MOST_READS = 8
"""Of AT_ONCE rows for one page: a page with few subtasks may end before the last one, and has a cursor then."""
CURSOR = re.compile(r"(\d{1,4})\.(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor: the position of a step, and a place in it."""

    step: int = 0
    index: int = 0

    @classmethod
    def of(cls, cursor: str | None) -> Place:
        """Read a cursor; raises InvalidPayload."""
        if not cursor:
            return cls()
        if (found := CURSOR.fullmatch(cursor)) is None:
            raise InvalidPayload(f"invalid cursor {cursor!r:.80}; expected the field next of an earlier page")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.step}.{self.index}"


def page(session: Session, run: RunRow, wanted: Wanted, step: str | None, cursor: str | None, limit: int) -> Subtasks:  # noqa: PLR0913, PLR0917 - the parts of a request
    """Return up to ``limit`` subtasks from a cursor on, step by step; raises InvalidPayload for an invalid cursor."""
    place, state = Place.of(cursor), _state(session, run)
    return (
        Subtasks(subtasks=[], next=None)
        if state is None
        else _Pager(session, run, state, wanted, step).page(place, limit)
    )


@dataclass(frozen=True, slots=True)
class _Pager:
    """Reads a page; ``step`` is the only one that is wanted, None: all."""

    session: Session
    run: RunRow
    state: RunState
    wanted: Wanted
    step: str | None

    def page(self, start: Place, limit: int) -> Subtasks:
        """Return a page. Its first read is enough for most pages."""
        found: list[tuple[Place, Subtask]] = []
        place = self._at_step(start)
        for most in (limit + 1, *(subtask_rows.AT_ONCE,) * (MOST_READS - 1)):
            if place is None or len(found) > limit:
                break
            place = self._read(place, most, found)
        following = found[limit][0] if len(found) > limit else place
        return Subtasks(subtasks=[one for _, one in found[:limit]], next=None if following is None else str(following))

    def _read(self, place: Place, most: int, found: list[tuple[Place, Subtask]]) -> Place | None:
        """Add what is wanted of the next rows; returns the place that follows them."""
        step = self.state.steps[place.step]
        rows = subtask_rows.page(self.session, self.run.ref, Part(step, place.index, most), self.wanted)
        reader = _Reader.of(self.session, self.run, self.state, step, rows)
        fits = [row for row in rows if self.wanted.state in {None, reader.state(row)}]
        made = [(Place(place.step, row.map_index), reader.subtask(row)) for row in fits]
        found += [(at, one) for at, one in made if self.wanted.parent in {None, one.parent}]
        if len(rows) == most:
            return Place(place.step, rows[-1].map_index + 1)
        return self._at_step(Place(place.step + 1))

    def _at_step(self, place: Place) -> Place | None:
        """Return the place, or the beginning of the next step that is wanted."""
        steps = range(place.step, len(self.state.steps))
        wanted = next((one for one in steps if self.step in {None, self.state.steps[one].name}), None)
        if wanted is None or wanted == place.step:
            return None if wanted is None else place
        return Place(wanted)


def one(session: Session, run: RunRow, key: str, step: str | None) -> Subtask | None:
    """Return a subtask in a step, by default in the last one that it reached, with its attempts; None: unknown."""
    state = _state(session, run)
    places = _places(session, run, key) or {}
    steps = state.steps if state else ()
    reached = [each for each in steps if isinstance(places.get(each.name), int) and step in {None, each.name}]
    if state is None or not reached:
        return None
    found = subtask_rows.at(session, run.ref, reached[-1], [places[reached[-1].name]])
    if not found:
        return None
    made = _Reader.of(session, run, state, reached[-1], found).subtask(found[0])
    return made.model_copy(update={"attempts": attempts.read(session, run.ref, reached[-1], found[0], made)})


def _places(session: Session, run: RunRow, key: str) -> dict[str, Any] | None:
    text = state_store.text_of(session, run.ref, PLAN, -1, store_keys.row_key(key))
    found = rows.parsed(text)
    return found if isinstance(found, dict) else None


def _state(session: Session, run: RunRow) -> RunState | None:
    try:
        return RunState.read(session, run.ref)
    except InvalidRow:
        return None


class _Reader:
    """Makes documents of the rows of a step."""

    @classmethod
    def of(cls, session: Session, run: RunRow, state: RunState, step: Step, read: Sequence[Row[Any]]) -> _Reader:
        """Build it for some rows."""
        return cls(run, state, step, subtask_rows.batches(session, run.ref, step, read))

    def __init__(self, run: RunRow, state: RunState, step: Step, batches: Mapping[int, str]) -> None:
        self._run = run
        self._batches = {index: _batch(text) for index, text in batches.items()}
        self._step = step
        self._halted = state.halted(run.clear_number)

    def subtask(self, row: Row[Any]) -> Subtask:
        """Return the document of a row."""
        item = self._item(row)
        said, turn, state = rows.outcome(row.outcome), self._turn(row), self.state(row)
        progress = _progress(row.progress) if state is SubtaskState.RUNNING else (None, None)
        attempt = self._attempt(row, turn)
        error = _error(row, said, state, attempt, batched=self._step.batch > 1)
        started, ended = self._times(row, said, state)
        return Subtask(
            key=item.key,
            step=self._step.name,
            state=state,
            parent=item.parent,
            depth=item.depth,
            attempt=attempt,
            attempts=[],
            started=started,
            ended=ended,
            fraction=progress[0],
            message=progress[1],
            payload=nesting.cut(item.payload),
            result=nesting.cut(said.value) if said and state is SubtaskState.SUCCEEDED else None,
            error=None if error is None else Why(code=error.type, text=error.message),
            task=self._step.name,
            map_index=row.map_index // self._step.batch,
            log=f"{addresses.subtask(self._run.job, self._run.run_id, item.key)}/logs",
        )

    def _item(self, row: Row[Any]) -> Item:
        try:
            return rows.item(row.item)
        except InvalidRow:
            return Item(f"{self._step.name}[{row.map_index}]", {}, None, 0)

    def _turn(self, row: Row[Any]) -> Turn | None:
        """Return how far a subtask of a batch is; None for one that has a task instance of its own."""
        batch = self._batches.get(row.map_index // self._step.batch)
        return batch.turns.get(row.map_index) if batch is not None and batch.life == row.max_tries else None

    def state(self, row: Row[Any]) -> SubtaskState:
        """Return the state of a subtask."""
        turn = self._turn(row)
        if is_continued(row.continued, row.max_tries):
            return SubtaskState.SUCCEEDED
        if turn is not None and turn.ended:
            return SubtaskState.SUCCEEDED if turn.status == "success" else SubtaskState.FAILED
        state = subtask_rows.of_instance(row.state)
        if self._step.batch > 1 and state is SubtaskState.RUNNING and (turn is None or turn.status != "taken"):
            return SubtaskState.WAITING
        if row.state is None and self._halted:
            return SubtaskState.SKIPPED
        return state

    def _attempt(self, row: Row[Any], turn: Turn | None) -> int:
        if self._step.batch > 1:
            return turn.attempts if turn else 0
        return (row.try_number or 0) if row.start_date else 0

    def _times(self, row: Row[Any], said: StoredOutcome | None, state: SubtaskState) -> tuple[Any, Any]:
        if self._step.batch > 1:
            ended = clock.parsed(said and said.ended) if state is not SubtaskState.RUNNING else None
            return clock.parsed(said and said.started), ended
        return row.start_date, row.end_date


def _error(
    row: Row[Any], said: StoredOutcome | None, state: SubtaskState, attempt: int, *, batched: bool
) -> Error | None:
    """Return why the latest attempt failed; also of a subtask that waits for its next attempt."""
    waits = state is SubtaskState.WAITING and row.state == TaskInstanceState.UP_FOR_RETRY
    if state is not SubtaskState.FAILED and not waits:
        return None
    if said is not None and said.error is not None and (batched or said.attempt == attempt):
        return said.error
    return lost(rows.pod(row.pod), row.try_number)


def _batch(text: str) -> Batch | None:
    try:
        return Batch.of(rows.parsed(text))
    except InvalidRow:
        return None


def _progress(text: str | None) -> tuple[float | None, str | None]:
    found = rows.parsed(text)
    if not isinstance(found, dict):
        return None, None
    fraction, message = found.get("fraction"), found.get("message")
    return (
        float(fraction) if isinstance(fraction, int | float) else None,
        message if isinstance(message, str) else None,
    )
