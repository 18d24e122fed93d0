"""A subtask starts: its item, and whether it still may; read for all that start at once, whatever their runs.

Runs in the API server. What is asked here is asked once a subtask, so none of it grows with the run; the count that a
step with ``wait: all`` needs does, and is kept for a moment.
"""

from __future__ import annotations

import time

import msgspec
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.growth import materialize, outcomes
from airflow_mcp_provider.plugin.growth.background import Materializer
from airflow_mcp_provider.plugin.growth.materialize import Lag
from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.runtime.messages import Item, StartingItem

NOT_RUNNING = "its run was ended, or this runner was given up"
UNFINISHED = "subtasks of the steps before this one have not ended"
MANY, SHARE = 500, 20
"""In a run of more subtasks, their count is kept for so many times what it took: it may cost a twentieth of the time,
whatever the run's size and however many ask."""


class SubtaskStarts:
    """The subtasks that start in one transaction: each run is looked at once."""

    def __init__(self, session: Session, materializer: Materializer) -> None:
        self._session = session
        self._materializer = materializer
        self._lags: dict[RunRef, Lag | None] = {}

    def item(self, runner: Runner, item: Item, *, done: bool) -> StartingItem:
        """Return a subtask's item as its runner reads it; ``done``: the subtask has continued in the next step.

        A runner whose run was cancelled after its task instance had started hears of it at its next heartbeat only:
        its work must not begin before.
        """
        known = msgspec.structs.asdict(item)
        if not runner.works:
            return StartingItem(**known, stopped=NOT_RUNNING)
        lag = self._look(runner)
        if lag is None:
            return StartingItem(**known)
        if done:
            return StartingItem(**known, done=True)
        if lag.halted:
            return StartingItem(**known, stopped=lag.state.stopped)
        return StartingItem(**known, waits=self._waits(runner, lag))

    def waits(self, runner: Runner) -> str | None:
        """Return why the runner of a batch may not start yet, None where it may."""
        lag = self._look(runner)
        return self._waits(runner, lag) if lag else None

    def _look(self, runner: Runner) -> Lag | None:
        """Look at the run; a task instance without a label was made by the scheduler, which does not know the keys."""
        if runner.run not in self._lags:
            self._lags[runner.run] = materialize.look(self._session, runner.run)
        lag = self._lags[runner.run]
        if lag is not None and (lag.behind or not runner.labelled):
            self._materializer.after_commit(self._session, runner.run)
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

    def of(self, session: Session, runner: Runner, state: RunState) -> int:
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
