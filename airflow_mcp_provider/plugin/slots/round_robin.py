"""Remembers which runs got a slot last: among runs with as many active task instances, the others go first.

Airflow's own order would give each free slot to the same run of two, wherever both have none left: with one slot, or
with more runs than slots, some would never get one. Each scheduler remembers for itself; nothing is lost with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, case

KEPT = 64
"""So many runs are remembered; who had a turn before all of these goes before them."""
Run = tuple[str, str]
"""dag_id, run_id"""


class Turns:
    """The runs that got a slot, the latest last."""

    def __init__(self) -> None:
        self._runs: dict[Run, None] = {}

    def taken(self, runs: Iterable[Run]) -> None:
        """These got a slot, in this order."""
        for run in runs:
            self._runs.pop(run, None)
            self._runs[run] = None
        for run in list(self._runs)[:-KEPT]:
            del self._runs[run]

    def order(self, dag_id: ColumnElement[Any], run_id: ColumnElement[Any]) -> list[ColumnElement[int]]:
        """Order rows by their run's place in the sequence; a run that is not in it goes first.

        No constant while there is no sequence: Postgres takes a number in ORDER BY for the place of a column.
        """
        places = enumerate(self._runs, 1)
        whens = [(and_(dag_id == dag, run_id == run), place) for place, (dag, run) in places]
        return [case(*whens, else_=0)] if whens else []
