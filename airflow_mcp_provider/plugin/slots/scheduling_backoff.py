"""Back off from runs that take seconds to examine, while they have enough ready task instances.

A scheduler examines up to five runs per loop, and reads all task instances of each. With 10,000 in one run that takes 2
to 8 s, in which no slot is filled for any run, and no heartbeat is sent. While the run has more ready task instances
than there are slots, another examination would only make more of them ready. So the run is skipped for four times as
long as the last examination took: it uses at most a fifth of the scheduler's time, and the loops between are short.
"""

from __future__ import annotations

from functools import cache, partial, wraps
from time import monotonic
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.identity import of_run
from airflow_mcp_provider.plugin.db.tables import DagRun, TaskInstance, TaskInstanceState
from airflow_mcp_provider.plugin.patching import Method, wrap
from airflow_mcp_provider.plugin.slots.airflow_internals import SCHEDULE_DAG_RUN, SchedulerJobRunner

LONG = 0.5
"""Seconds from which an examination counts as slow."""
PAUSE = 4
LIMIT = 30.0
"""Seconds of the longest pause: the delay after which the run's time limit or next step may be noticed."""


@cache
def back_off_slow_runs(kind: type[SchedulerJobRunner] = SchedulerJobRunner) -> None:
    """Patch the schedulers of this process to skip such runs."""
    wrap(kind, SCHEDULE_DAG_RUN, partial(_passing, slow=SlowRuns()))


class SlowRuns:
    """When runs with a slow examination are due again, by DagRun.id."""

    def __init__(self) -> None:
        self._due: dict[int, float] = {}

    def is_due(self, number: int) -> bool:
        """Return whether the run has no pause, or its pause is over."""
        return monotonic() >= self._due.get(number, 0)

    def took(self, number: int, seconds: float) -> None:
        """Store how many seconds the examination of a run took."""
        now = monotonic()
        self._due = {other: due for other, due in self._due.items() if due > now and other != number}
        if seconds >= LONG:
            self._due[number] = now + min(PAUSE * seconds, LIMIT)


def _passing(look: Method, slow: SlowRuns) -> Method:
    @wraps(look)
    def passing(self: Any, dag_run: DagRun, session: Session) -> Any:  # noqa: ANN401 - Airflow's
        if not slow.is_due(dag_run.id) and _has_plenty(dag_run, 2 * self._parallelism, session):
            dag_run.last_scheduling_decision = clock.now()  # else it would be the first to be examined again
            return None
        number, began = dag_run.id, monotonic()
        try:
            return look(self, dag_run, session=session)
        finally:
            slow.took(number, monotonic() - began)

    return passing


def _has_plenty(run: DagRun, number: int, session: Session) -> bool:
    ready = TaskInstance.state == TaskInstanceState.SCHEDULED
    query = select(TaskInstance.id).where(*of_run(TaskInstance, run), ready)
    return len(session.scalars(query.limit(number)).all()) == number
