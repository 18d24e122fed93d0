"""A subtask starts: its item, and whether it still may; read for all that start at once, whatever their runs.

Runs in the API server. What is asked here is asked once a subtask, so none of it grows with the run; the count that a
step with ``wait: all`` needs does, and is kept for a moment.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.growth import materialize, outcomes
from airflow_mcp_provider.plugin.growth.advance import is_done
from airflow_mcp_provider.plugin.growth.background import Settler
from airflow_mcp_provider.plugin.growth.materialize import Lag
from airflow_mcp_provider.plugin.growth.run_state import Reserved
from airflow_mcp_provider.plugin.growth.runner import Runner

UNFINISHED = "subtasks of the steps before this one have not ended"
MANY, SHARE = 500, 20
"""In a run of more subtasks, their count is kept for so many times what it took: it may cost a twentieth of the time,
whatever the run's size and however many ask."""


class Starts:
    """The starts that one transaction looks at: each run is looked at once."""

    def __init__(self, session: Session, settler: Settler) -> None:
        self._session = session
        self._settler = settler
        self._lags: dict[RunRef, Lag | None] = {}

    def item(self, runner: Runner, item: dict[str, Any]) -> dict[str, Any]:
        """Return a subtask's item as its runner is told it: ``done``, ``stopped``, ``waits`` say why not to begin."""
        lag = self._look(runner)
        if lag is None:
            return item
        if is_done(runner, item):
            return {**item, "done": True}
        if lag.halted:
            return {**item, "stopped": lag.state.stopped}
        waits = self._waits(runner, lag)
        return {**item, "waits": waits} if waits else item

    def waits(self, runner: Runner) -> str | None:
        """Why a runner of a batch that begins may not, yet."""
        lag = self._look(runner)
        return self._waits(runner, lag) if lag else None

    def _look(self, runner: Runner) -> Lag | None:
        """Look at the run; what has no label yet was made by the scheduler, which knows no keys."""
        if runner.run not in self._lags:
            self._lags[runner.run] = materialize.look(self._session, runner.run)
        lag = self._lags[runner.run]
        if lag is not None and (lag.behind or not runner.labelled):
            self._settler.after_commit(self._session, runner.run)
        return lag

    def _waits(self, runner: Runner, lag: Lag) -> str | None:
        if not lag.state.step(runner.step).wait:
            return None
        unfinished = _unfinished.of(self._session, runner, lag.state)
        return f"{unfinished} {UNFINISHED}" if unfinished else None


class _Unfinished:
    """Counts that took long: all runners of a step that waits ask for the same one."""

    def __init__(self) -> None:
        self._kept: dict[tuple[RunRef, str], tuple[float, int]] = {}

    def of(self, session: Session, runner: Runner, state: Reserved) -> int:
        name, begun = (runner.run, runner.step), time.monotonic()
        if name in self._kept and begun < self._kept[name][0]:
            return self._kept[name][1]
        count = outcomes.unfinished(session, runner.run, state, runner.step)
        took = time.monotonic() - begun
        self._kept = {one: kept for one, kept in self._kept.items() if kept[0] > begun}
        if count and state.subtasks > MANY:
            self._kept[name] = begun + SHARE * took, count
        return count


_unfinished = _Unfinished()
