"""The documents of subtasks: pages of a run's subtasks, and one subtask with its attempts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Subtask, Subtasks
from airflow_mcp_provider.errors import InvalidPayload, InvalidRow
from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.growth.run_state import RunState, Step
from airflow_mcp_provider.plugin.status import attempts, subtask_children, subtask_rows
from airflow_mcp_provider.plugin.status.run_rows import RunRow
from airflow_mcp_provider.plugin.status.subtask_children import Children
from airflow_mcp_provider.plugin.status.subtask_reader import Reader
from airflow_mcp_provider.plugin.status.subtask_rows import Part, Wanted
from airflow_mcp_provider.runtime import store_keys

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
    if state is None:
        return Subtasks(subtasks=[], next=None)
    children = None if wanted.parent is None else subtask_children.read(session, run.ref, state)
    found = _Pager(session, run, state, wanted, step, children).page(place, limit)
    if children is None:
        return found
    return found.model_copy(update={"subtasks": [_with_children(one, children) for one in found.subtasks]})


def _with_children(made: Subtask, children: Children) -> Subtask:
    return made.model_copy(update={"children": children.number(made.key)})


@dataclass(frozen=True, slots=True)
class _Pager:
    """Reads a page; ``step`` is the only one that is wanted, None: all. ``children``: with a wanted parent."""

    session: Session
    run: RunRow
    state: RunState
    wanted: Wanted
    step: str | None
    children: Children | None

    def page(self, start: Place, limit: int) -> Subtasks:
        """Return a page. Its first read is enough for most pages."""
        found: list[tuple[Place, Subtask]] = []
        place = self._from(start)
        for most in (limit + 1, *(subtask_rows.AT_ONCE,) * (MOST_READS - 1)):
            if place is None or len(found) > limit:
                break
            place = self._read(place, most, found)
        following = found[limit][0] if len(found) > limit else place
        return Subtasks(subtasks=[one for _, one in found[:limit]], next=None if following is None else str(following))

    def _read(self, place: Place, most: int, found: list[tuple[Place, Subtask]]) -> Place | None:
        """Add what is wanted of the next rows; returns the place that follows them."""
        step = self.state.steps[place.step]
        halted = self.state.halted(self.run.clear_number)
        part = Part(step, place.index, self._end(place, step), most, halted)
        rows = subtask_rows.page(self.session, self.run.ref, part, self.wanted)
        reader = Reader.of(self.session, self.run, self.state, step, rows)
        fits = [row for row in rows if self.wanted.state in {None, reader.state(row)}]
        made = [(Place(place.step, row.map_index), reader.subtask(row)) for row in fits]
        found += [(at, one) for at, one in made if self.wanted.fits(one)]
        return self._from(Place(place.step, rows[-1].map_index + 1 if len(rows) == most else part.end))

    def _end(self, place: Place, step: Step) -> int:
        """Return where a read ends: with a filter it does not look at all subtasks of a large run."""
        end = self._places(step).stop
        return min(end, place.index + subtask_rows.LOOKED_AT) if self.wanted.filters else end

    def _from(self, place: Place) -> Place | None:
        """Return the first place from this one on that may have a wanted subtask."""
        for number in range(place.step, len(self.state.steps)):
            places = self._places(self.state.steps[number])
            index = max(places.start, place.index if number == place.step else 0)
            if index < places.stop:
                return Place(number, index)
        return None

    def _places(self, step: Step) -> range:
        if self.step not in {None, step.name}:
            return range(0)
        if self.children is None or self.wanted.parent is None:
            return range(step.reserved)
        return self.children.places(step.name, self.wanted.parent)


def one(session: Session, run: RunRow, key: str, step: str | None) -> Subtask | None:
    """Return a subtask in a step, by default in the last one that it reached, with its attempts; None: unknown."""
    state = _state(session, run)
    reached = _reached(session, run, state, key, step)
    found = subtask_rows.at(session, run.ref, *reached) if reached else None
    if state is None or reached is None or found is None:
        return None
    made = Reader.of(session, run, state, reached[0], [found]).subtask(found)
    made = _with_children(made, subtask_children.read(session, run.ref, state))
    return made.model_copy(update={"attempts": attempts.read(session, run.ref, reached[0], found, made)})


def instance(session: Session, run: RunRow, key: str, step: str | None) -> tuple[str, int] | None:
    """Return the task and the map index that do a subtask, in a step as above; None: unknown."""
    reached = _reached(session, run, _state(session, run), key, step)
    return None if reached is None else (reached[0].name, reached[1] // reached[0].batch)


def _reached(
    session: Session, run: RunRow, state: RunState | None, key: str, step: str | None
) -> tuple[Step, int] | None:
    """Return the last step that a subtask reached, of all or of the wanted one, and its place there."""
    places = _places(session, run, key) or {}
    reached = [
        (each, places[each.name])
        for each in (state.steps if state else ())
        if isinstance(places.get(each.name), int) and step in {None, each.name}
    ]
    return reached[-1] if reached else None


def _places(session: Session, run: RunRow, key: str) -> dict[str, Any] | None:
    text = state_store.text_of(session, run.ref, PLAN, -1, store_keys.row_key(key))
    found = rows.parsed(text)
    return found if isinstance(found, dict) else None


def _state(session: Session, run: RunRow) -> RunState | None:
    try:
        return RunState.read(session, run.ref)
    except InvalidRow:
        return None
