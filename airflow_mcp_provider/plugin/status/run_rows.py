"""What the documents of runs read of Airflow's rows, in one query for any number of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, func, null, or_, select, tuple_
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import RunState
from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import END, TASK, End
from airflow_mcp_provider.plugin.db.states import DISPATCHED
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunNote, DagRunState, DagTag, Store, TaskInstance
from airflow_mcp_provider.plugin.status.airflow_internals import DagModel, of_report
from airflow_mcp_provider.spec.marker import PRIORITY

PARTIAL = "partial:"
"""The note of a run whose failed subtasks are tolerated begins so, unless a person has changed it."""
HEARTBEAT = timedelta(seconds=30)
"""A task instance whose last heartbeat is older has no process. No heartbeat is written after a run was ended."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run: ``state`` is Airflow's; ``note`` anybody's; ``own_priority`` the text in its conf.

    ``report`` is the state in the result of its report, if it succeeded and has another note; ``failed`` the number
    there, if it failed, or its note is that some subtasks did. ``parallelism`` is that of the active run of its job.
    ``end``: how it has failed, if not by itself.
    """

    id: int
    job: str
    run_id: str
    state: str
    conf: Mapping[str, Any]
    own_priority: str | None
    submitter: str | None
    submitted: datetime
    run_after: datetime
    started: datetime | None
    ended: datetime | None
    clear_number: int
    paused: bool
    parallelism: int
    note: str | None
    report: str | None
    failed: int | None
    end: End | None

    @property
    def ref(self) -> RunRef:
        """The identity of the run."""
        return RunRef(self.id, self.job, self.run_id)

    @property
    def own_conf(self) -> dict[str, Any]:
        """The values of the job's params."""
        return {name: value for name, value in self.conf.items() if name != PRIORITY}

    def may_end_later(self, now: datetime) -> bool:
        """Whether the run was ended, and its processes may still run."""
        return self.end is not None and self.end.ending(now)

    def judged(self, *, alive: bool, now: datetime) -> RunState:
        """Return the state of the run; ``alive``: some of its processes still run."""
        if self.state == DagRunState.QUEUED:
            return RunState.QUEUED
        if self.state == DagRunState.RUNNING:
            return RunState.RUNNING
        if self.state == DagRunState.SUCCESS:
            return RunState.PARTIAL if self._is_partial else RunState.COMPLETED
        if self.end is None:
            return RunState.ERROR
        return RunState.CANCELLING if alive and self.may_end_later(now) else self.end.state

    @property
    def _is_partial(self) -> bool:
        noted = self.report is None and (self.note or "").startswith(PARTIAL)
        return self.report == "partial" or (noted and self.failed != 0)


def query(*, conf: bool = False) -> Select[Any]:
    """Select runs of jobs, without their conf, which may be large; further conditions are the caller's.

    The result of a report may be large, too, and Postgres reads all of it for a field: one field is read, where a run
    has failed or has a note. Of ours, a run that completed with subtasks has none (``operators.report``).
    """
    noted = func.coalesce(DagRunNote.content, "").startswith(PARTIAL)
    otherwise_noted = and_(DagRunNote.dag_run_id.is_not(None), ~noted)
    ended = and_(Store.dag_run_id == DagRun.id, Store.task_id == TASK, Store.map_index == -1, Store.key == END)
    return (
        select(
            DagRun.id,
            DagRun.dag_id,
            DagRun.run_id,
            DagRun.state,
            (DagRun.conf if conf else null()).label("conf"),
            DagRun.conf[PRIORITY].as_string().label("own_priority"),
            DagRun.triggering_user_name,
            DagRun.created_at,
            DagRun.queued_at,
            DagRun.run_after,
            DagRun.start_date,
            DagRun.end_date,
            DagRun.clear_number,
            DagModel.is_paused,
            DagModel.max_active_tasks,
            DagRunNote.content,
            case((and_(DagRun.state == DagRunState.SUCCESS, otherwise_noted), of_report("state"))).label("report"),
            case((or_(DagRun.state == DagRunState.FAILED, noted), of_report("failed"))).label("failed"),
            Store.value.label("end"),
        )
        .join(DagModel, DagModel.dag_id == DagRun.dag_id)
        .join(DagTag, and_(DagTag.dag_id == DagRun.dag_id, DagTag.name == JOB_TAG))
        .outerjoin(DagRunNote, DagRunNote.dag_run_id == DagRun.id)
        .outerjoin(Store, ended)
    )


def read(session: Session, wanted: Select[Any], values: Mapping[str, str] | None = None) -> list[RunRow]:
    """Read the runs that a query selects; ``values`` are those of its parameters."""
    return [_row(found) for found in session.execute(wanted, values)]


def one(session: Session, job: str, run_id: str) -> RunRow | None:
    """Read one run; None where the job has no such run."""
    found = read(session, query(conf=True).where(DagRun.dag_id == job, DagRun.run_id == run_id))
    return found[0] if found else None


def _row(found: Any) -> RunRow:  # noqa: ANN401 - a row of ``query``
    failed = found.state == DagRunState.FAILED
    return RunRow(
        id=found.id,
        job=found.dag_id,
        run_id=found.run_id,
        state=str(found.state),
        conf=found.conf if isinstance(found.conf, dict) else {},
        own_priority=found.own_priority,
        submitter=found.triggering_user_name,
        submitted=found.created_at or found.queued_at or found.run_after,
        run_after=found.run_after,
        started=found.start_date,
        ended=found.end_date,
        clear_number=found.clear_number,
        paused=bool(found.is_paused),
        parallelism=found.max_active_tasks,
        note=found.content,
        report=found.report,
        failed=int(found.failed) if found.failed and found.failed.isdecimal() else None,
        end=End.since_clear(found.end, found.clear_number) if failed else None,
    )


def alive(session: Session, runs: Sequence[RunRow]) -> set[int]:
    """Return those ended runs, by DagRun.id, whose processes still run."""
    now = clock.now()
    names = {(run.job, run.run_id): run.id for run in runs if run.may_end_later(now)}
    if not names:
        return set()
    since = {run.id: (run.end.at or now) - HEARTBEAT for run in runs if run.end is not None}
    same_run = tuple_(TaskInstance.dag_id, TaskInstance.run_id)
    works = case((TaskInstance.state.in_(DISPATCHED), 1), else_=0)
    found = session.execute(
        select(TaskInstance.dag_id, TaskInstance.run_id, func.max(works), func.max(TaskInstance.last_heartbeat_at))
        .where(same_run.in_(sorted(names)))
        .group_by(TaskInstance.dag_id, TaskInstance.run_id)
    )
    numbers = ((names[job, run_id], working, beat) for job, run_id, working, beat in found)
    return {number for number, working, beat in numbers if working or (beat is not None and beat > since[number])}
