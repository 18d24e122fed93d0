"""Round robin among runs with the same number of active task instances: the run that got a slot last comes last.

With Airflow's own order, one of two runs without active task instances would get every free slot: with one slot, or
with more runs than slots, some runs would never get one. Each scheduler stores the order in memory only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, case

KEPT = 64
"""The number of runs that are stored; a run that is not stored is first."""
Run = tuple[str, str]
"""dag_id, run_id"""


class Turns:
    """The runs that got a slot, the latest last."""

    def __init__(self) -> None:
        self._runs: dict[Run, None] = {}

    def taken(self, runs: Iterable[Run]) -> None:
        """Store that these runs got a slot, in this order."""
        for run in runs:
            self._runs.pop(run, None)
            self._runs[run] = None
        for run in list(self._runs)[:-KEPT]:
            del self._runs[run]

    def order(self, dag_id: ColumnElement[Any], run_id: ColumnElement[Any]) -> list[ColumnElement[int]]:
        """Return ORDER BY expressions for the sequence of runs; a run that is not in it is first.

        Empty without a sequence: Postgres would read a constant number in ORDER BY as the position of a column.
        """
        places = enumerate(self._runs, 1)
        whens = [(and_(dag_id == dag, run_id == run), place) for place, (dag, run) in places]
        return [case(*whens, else_=0)] if whens else []
