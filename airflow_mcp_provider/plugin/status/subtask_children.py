"""The children of each subtask of a run: how many there are, and where.

An item never changes its parent, and a new item gets the place after all others of its step. So what was counted is
kept in the process: each look reads the items at new places, and none where there are none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import NamedTuple, Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import rows
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import rows_of
from airflow_mcp_provider.plugin.db.tables import Store
from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.runtime import store_keys

MOST_RUNS, MOST_PARENTS = 32, 200_000
"""So many runs, and so many parents in all of them, are kept: a parent takes some 300 bytes."""
AT_ONCE = 1_000
ROOT = ""
"""In place of the key of a parent: of the subtasks that plan enqueued, as in the filter ``parent``."""


First = tuple[int, datetime] | None
"""The number of a row and when it was written: SQLite may give the number of a row that was removed again."""


class Span(NamedTuple):
    """The children of a subtask in a step: their number, and the places of the first and the last one."""

    number: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Children:
    """The children in each step, by the key of their parent.

    ``first`` is the row at the first place of the run: another attempt of plan makes new rows.
    ``ends`` are the places of each step before which all are counted.
    """

    first: First = None
    ends: Mapping[str, int] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, Span]] = field(default_factory=dict)

    def number(self, parent: str) -> int:
        """Return how many children a subtask has."""
        return sum(spans[parent].number for spans in self.steps.values() if parent in spans)

    def places(self, step: str, parent: str) -> range:
        """Return places of a step that are enough to find the children of a subtask there."""
        span = self.steps.get(step, {}).get(parent)
        return range(0) if span is None else range(span.first, span.last + 1)

    @property
    def parents(self) -> int:
        """How many spans are kept."""
        return sum(map(len, self.steps.values()))

    def with_new(self, session: Session, run: RunRef, state: RunState) -> Self:
        """Return it with the items at the places that are new."""
        new = [step.name for step in state.steps if step.reserved > self.ends.get(step.name, 0)]
        if not new:
            return self
        ends, steps = dict(self.ends), dict(self.steps)
        for step in new:
            spans = dict(steps.get(step, {}))
            for place, parent in _items(session, run, step, ends.get(step, 0)):
                number, first, _ = spans.get(parent, (0, place, place))
                spans[parent] = Span(number + 1, first, place)
                ends[step] = place + 1
            steps[step] = spans
        return type(self)(self.first, ends, steps)


class Kept:
    """The children of the runs that were looked at last. The lock is held for a look into the memory alone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[int, Children] = OrderedDict()

    def get(self, run: int) -> Children:
        """Return what was counted of a run."""
        with self._lock:
            return self._found.get(run) or Children()

    def put(self, run: int, counted: Children) -> None:
        """Keep what was counted of a run, and forget the runs that were not looked at for longest."""
        with self._lock:
            self._found[run] = counted
            self._found.move_to_end(run)
            while len(self._found) > MOST_RUNS or (self._parents() > MOST_PARENTS and len(self._found) > 1):
                self._found.popitem(last=False)

    def _parents(self) -> int:
        return sum(one.parents for one in self._found.values())


_kept = Kept()


def read(session: Session, run: RunRef, state: RunState) -> Children:
    """Return the children of the subtasks of a run."""
    before, first = _kept.get(run.id), _first(session, run, state)
    # Before the items: where another attempt of plan begins meanwhile, the next look begins anew.
    found = (before if before.first == first else Children(first)).with_new(session, run, state)
    _kept.put(run.id, found)
    return found


def _first(session: Session, run: RunRef, state: RunState) -> First:
    item = (*rows_of(Store, run, state.steps[0].name, store_keys.ITEM), Store.map_index == 0)
    found = session.execute(select(Store.id, Store.updated_at).where(*item)).first()
    return None if found is None else (found[0], found[1])


def _items(session: Session, run: RunRef, step: str, start: int) -> Iterator[tuple[int, str]]:
    """Yield the place and the parent of the items from a place on."""
    query = select(Store.map_index, Store.value).where(*rows_of(Store, run, step, store_keys.ITEM))
    query = query.order_by(Store.map_index).limit(AT_ONCE)
    found = session.execute(query.where(Store.map_index >= start)).all()
    while found:
        yield from ((place, _parent(text)) for place, text in found)
        end = found[-1][0] + 1
        found = session.execute(query.where(Store.map_index >= end)).all() if len(found) == AT_ONCE else []


def _parent(text: str) -> str:
    """Return the key of the parent of an item; a damaged one has none, as in its document."""
    try:
        return rows.item(text).parent or ROOT
    except InvalidRow:
        return ROOT
