"""Looks less often at a run whose look takes seconds, while it has plenty of ready task instances.

A scheduler examines up to five runs a loop, and reads all task instances of each: with 10,000 in one run that takes
2 to 8 s, in which no slot is filled, for no run, and no heartbeat is sent. While more of the run's task instances are
ready than there are slots, a look would only make more of them ready. So the run is passed over for four times as long
as the last look took: at most a fifth of the scheduler's time goes to it, and the loops between are short.
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
"""Seconds from which on a look is a long one."""
PAUSE = 4
LIMIT = 30.0
"""Seconds of the longest pause: so much later the run's time limit, and its next steps, may be noticed."""


@cache
def look_seldom(kind: type[SchedulerJobRunner] = SchedulerJobRunner) -> None:
    """From now on this process' schedulers pass over such runs."""
    wrap(kind, SCHEDULE_DAG_RUN, partial(_passing, looks=Looks()))


class Looks:
    """When the runs whose last look was long are due again, by ``dag_run.id``."""

    def __init__(self) -> None:
        self._due: dict[int, float] = {}

    def is_due(self, number: int) -> bool:
        """Tell whether the pause is over, if there is one."""
        return monotonic() >= self._due.get(number, 0)

    def took(self, number: int, seconds: float) -> None:
        """A look at the run took so long."""
        now = monotonic()
        self._due = {other: due for other, due in self._due.items() if due > now and other != number}
        if seconds >= LONG:
            self._due[number] = now + min(PAUSE * seconds, LIMIT)


def _passing(look: Method, looks: Looks) -> Method:
    @wraps(look)
    def passing(self: Any, dag_run: DagRun, session: Session) -> Any:  # noqa: ANN401 - Airflow's
        if not looks.is_due(dag_run.id) and _has_plenty(dag_run, 2 * self._parallelism, session):
            dag_run.last_scheduling_decision = clock.now()  # else it would be examined before all others, again
            return None
        number, began = dag_run.id, monotonic()
        try:
            return look(self, dag_run, session=session)
        finally:
            looks.took(number, monotonic() - began)

    return passing


def _has_plenty(run: DagRun, number: int, session: Session) -> bool:
    ready = TaskInstance.state == TaskInstanceState.SCHEDULED
    query = select(TaskInstance.id).where(*of_run(TaskInstance, run), ready)
    return len(session.scalars(query.limit(number)).all()) == number
