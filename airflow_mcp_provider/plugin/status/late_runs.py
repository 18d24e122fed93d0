"""Notifications for runs that have not ended in time: ``on.late`` of the spec.

A scheduler's regular check (``plugin.scheduler``). Airflow's own deadlines are not used: their callback needs a
triggerer or the LocalExecutor (with an executor without callbacks it raises in the scheduler's loop), it is also called
for a run that has failed in time, and it gets no counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from msgspec.structs import replace
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import clock, rows
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.job_markers import Markers
from airflow_mcp_provider.plugin.db.locks import skip_locked
from airflow_mcp_provider.plugin.db.run_end import TASK
from airflow_mcp_provider.plugin.db.states import RUN_ACTIVE
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, Store, create_session
from airflow_mcp_provider.plugin.notices import requests
from airflow_mcp_provider.plugin.queue.monitor import OF_JOBS
from airflow_mcp_provider.plugin.status.notices import with_facts
from airflow_mcp_provider.runtime.notice import Notice
from airflow_mcp_provider.spec.durations import human

LATE = "mcp.late."
"""Row of a run: the number of clears of the run for which the notifiers were requested; with the limit in seconds."""
AT_ONCE = 50
"""Requests of one check."""


@dataclass(frozen=True, slots=True)
class Active:
    """An active run; ``due``: when it could start."""

    id: int
    dag_id: str
    run_id: str
    state: str
    due: datetime
    clear_number: int

    @property
    def ref(self) -> RunRef:
        """The identity of the run."""
        return RunRef(self.id, self.dag_id, self.run_id)


class LateRuns:
    """The check; caches the markers between two checks, and which runs were found late."""

    def __init__(self) -> None:
        self._markers = Markers()
        self._known: set[tuple[int, int, timedelta]] = set()

    def look(self) -> None:
        """Request the notifiers of runs that became late: once for each limit of the job, by one scheduler."""
        with create_session(scoped=False) as session:
            active = _active(session)
            self._markers.learn(session, {run.dag_id for run in active})
            late = set(self._late(active))
            self._known &= {(run.id, run.clear_number, limit) for run, limit in late}
            new = [one for one in late if (one[0].id, one[0].clear_number, one[1]) not in self._known]
            for run, limit in islice(sorted(new, key=lambda one: (one[0].id, one[1])), AT_ONCE):
                if _request(session, run, limit):
                    self._known.add((run.id, run.clear_number, limit))

    def _late(self, active: list[Active]) -> Iterator[tuple[Active, timedelta]]:
        now = clock.now()
        for run in active:
            marker = self._markers.of(run.dag_id)
            limits = marker.notify.late if marker else ()
            yield from ((run, limit) for limit in limits if run.due + limit < now)


def _active(session: Session) -> list[Active]:
    columns = (DagRun.id, DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.queued_at, DagRun.run_after)
    query = select(*columns, DagRun.clear_number).where(OF_JOBS, DagRun.state.in_(RUN_ACTIVE))
    return [
        Active(number, job, run_id, str(state), max(queued or after, after), clears)
        for number, job, run_id, state, queued, after, clears in session.execute(query)
    ]


def _request(session: Session, run: Active, limit: timedelta) -> bool:
    """Write the request and that it was written, both or nothing; False: another transaction has the run."""
    query = select(DagRun.id).where(DagRun.id == run.id, DagRun.state.in_(RUN_ACTIVE))
    if session.execute(skip_locked(query, session, DagRun)).first() is None:
        return False
    if _first(session.connection(), run, limit):
        state = "queued" if run.state == DagRunState.QUEUED else "running"
        plain = requests.notice(run.ref, "late", state, f"still {state} {human(limit)} after it could start")
        about = plain if state == "queued" else with_facts(session, run.ref, plain)
        requests.put(session.connection(), run.ref, _with_limit(about, limit))
    session.commit()
    return True


def _with_limit(about: Notice, limit: timedelta) -> Notice:
    return replace(about, after=limit.total_seconds())


def _first(connection: Connection, run: Active, limit: timedelta) -> bool:
    """Note that the run is late; False where that was noted since it was cleared."""
    key = f"{LATE}{limit.total_seconds():g}"
    mine = (Store.dag_run_id == run.id, Store.task_id == TASK, Store.map_index == -1, Store.key == key)
    found = connection.execute(select(Store.value).where(*mine)).scalar()
    if rows.parsed(found) == run.clear_number:
        return False
    connection.execute(delete(Store).where(*mine))
    names = {"dag_run_id": run.id, "task_id": TASK, "map_index": -1, "key": key}
    more = {"dag_id": run.dag_id, "run_id": run.run_id, "updated_at": clock.now()}
    connection.execute(insert(Store).values(**names, **more, value=json.dumps(run.clear_number)))
    return True
