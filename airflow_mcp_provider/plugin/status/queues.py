"""The queues of jobs: which run starts next, and which run is active."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Holder
from airflow_mcp_provider.plugin.db.job_markers import Markers
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState
from airflow_mcp_provider.plugin.queue import ordering
from airflow_mcp_provider.spec.marker import Marker

_markers = Markers()


def marker(session: Session, job: str) -> Marker:
    """Return the marker of a job; the default one where it cannot be read."""
    _markers.learn(session, [job])
    return _markers.of(job) or Marker()


def learn(session: Session, jobs: Iterable[str]) -> None:
    """Read the markers of jobs, as ``read`` does, without their queues."""
    if named := sorted(set(jobs)):
        _markers.learn(session, named)


def marker_of(job: str) -> Marker:
    """Return the marker of a job whose queue or marker was read; the default one where it cannot be read."""
    return _markers.of(job) or Marker()


@dataclass(frozen=True, slots=True)
class Queue:
    """The runs of a job that wait, by run_id, the next one first; and the active run."""

    waiting: Sequence[str] = ()
    holder: Holder | None = None
    _places: Mapping[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, waiting: Sequence[str], holder: Holder | None) -> Queue:
        """Build it."""
        return cls(waiting, holder, {run: place for place, run in enumerate(waiting, 1)})

    def position(self, run_id: str) -> int | None:
        """Return the place of a run, from 1; None if it does not wait."""
        return self._places.get(run_id)


def read(session: Session, jobs: Iterable[str]) -> dict[str, Queue]:
    """Read the queues of some jobs, in the order in which the gate starts their runs."""
    named = sorted(set(jobs))
    _markers.learn(session, named)
    found: dict[str, list[ordering.Waiting]] = {job: [] for job in named}
    for run in ordering.read(session.connection(), DagRun.dag_id.in_(named)) if named else ():
        found[run.dag_id].append(run)
    active = holders(session, named)
    return {job: Queue.of(_ordered(job, runs), active.get(job)) for job, runs in found.items()}


def _ordered(job: str, runs: Iterable[ordering.Waiting]) -> list[str]:
    return [run.run_id for run in ordering.sort(runs, _markers.of(job) or Marker())]


def holders(session: Session, jobs: Sequence[str]) -> dict[str, Holder]:
    """Return the active run of each job that has one."""
    query = (
        select(DagRun.dag_id, DagRun.run_id, DagRun.start_date, DagRun.triggering_user_name)
        .where(DagRun.state == DagRunState.RUNNING, DagRun.dag_id.in_(jobs))
        .order_by(DagRun.id.desc())
    )
    return {
        row.dag_id: Holder(run=row.run_id, since=row.start_date, submitter=row.triggering_user_name)
        for row in session.execute(query)
    }
