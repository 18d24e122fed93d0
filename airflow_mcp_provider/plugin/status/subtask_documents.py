"""The documents of subtasks: pages of a run's subtasks, and one subtask with its attempts."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    found = _Pager(session, run, state, wanted, step).page(place, limit)
    if wanted.parent is None or not found.subtasks:
        return found
    counts = subtask_children.count(session, run, state)
    return found.model_copy(update={"subtasks": [_with_children(one, counts) for one in found.subtasks]})


def _with_children(made: Subtask, counts: Mapping[str, int] | None) -> Subtask:
    return made.model_copy(update={"children": None if counts is None else counts.get(made.key, 0)})


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
        part = Part(step, place.index, most, self._end(place, step))
        rows = subtask_rows.page(self.session, self.run.ref, part, self.wanted)
        reader = Reader.of(self.session, self.run, self.state, step, rows)
        fits = [row for row in rows if self.wanted.state in {None, reader.state(row)}]
        made = [(Place(place.step, row.map_index), reader.subtask(row)) for row in fits]
        found += [(at, one) for at, one in made if self.wanted.fits(one)]
        if len(rows) == most:
            return Place(place.step, rows[-1].map_index + 1)
        return self._at_step(Place(place.step + 1) if part.end is None else Place(place.step, part.end))

    def _end(self, place: Place, step: Step) -> int | None:
        """Return where a read ends, so that none looks at all subtasks of a large run; None: at the end of the step."""
        end = place.index + subtask_rows.LOOKED_AT
        return end if self.wanted.filters and end < step.reserved else None

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
    made = Reader.of(session, run, state, reached[-1], found).subtask(found[0])
    made = _with_children(made, subtask_children.count(session, run, state))
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
