"""What the documents of jobs read of Airflow's rows, for any number of jobs at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db.tables import DagRun, DagTag
from airflow_mcp_provider.plugin.status import run_rows
from airflow_mcp_provider.plugin.status.airflow_internals import NO_SCHEDULE, DagModel
from airflow_mcp_provider.plugin.status.run_rows import RunRow

SIZES = (1, 10, 50, 100)
"""Numbers of jobs for which queries are kept: one for fewer jobs has empty names."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job: ``stale`` means that its DAG file does not define it any more, or cannot be imported: it gets no runs."""

    job: str
    description: str | None
    paused: bool
    stale: bool
    schedule: str | None
    schedule_description: str | None
    next_run: datetime | None
    bundle: str | None
    file: str | None


def query() -> Select[Any]:
    """Select jobs; further conditions are the caller's."""
    columns: Any = (
        DagModel.dag_id,
        DagModel.description,
        DagModel.is_paused,
        or_(DagModel.is_stale, DagModel.has_import_errors == true()),  # the second alone: see ``queue.removed_jobs``
        func.nullif(DagModel.timetable_summary, NO_SCHEDULE),
        case((DagModel.timetable_summary != NO_SCHEDULE, DagModel.timetable_description)),
        DagModel.next_dagrun_create_after,
        DagModel.bundle_name,
        DagModel.relative_fileloc,
    )
    return select(*columns).join(DagTag, and_(DagTag.dag_id == DagModel.dag_id, DagTag.name == JOB_TAG))


def read(session: Session, wanted: Select[Any]) -> list[JobRow]:
    """Read the jobs that a query selects."""
    return [JobRow(*row) for row in session.execute(wanted)]


def one(session: Session, job: str) -> JobRow | None:
    """Read a job; None where the DAG does not exist or is not a job."""
    found = read(session, query().where(DagModel.dag_id == job))
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs are wanted; None: any. ``text`` is searched in id and description, ``jobs`` are those allowed."""

    jobs: Collection[str] | None = None
    text: str | None = None
    tag: str | None = None
    paused: bool | None = None
    active: bool | None = None
    after: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions of a query."""
        found: list[ColumnElement[bool]] = []
        if self.jobs is not None:
            found.append(DagModel.dag_id.in_(sorted(self.jobs)))
        if self.text:
            words = (DagModel.dag_id, DagModel.description)
            found.append(or_(*(column.icontains(self.text, autoescape=True) for column in words)))
        if self.tag is not None:
            found.append(DagModel.dag_id.in_(select(DagTag.dag_id).where(DagTag.name == self.tag)))
        if self.paused is not None:
            found.append(DagModel.is_paused == (true() if self.paused else false()))
        if self.active is not None:
            some = select(DagRun.id).where(DagRun.dag_id == DagModel.dag_id, DagRun.state.in_(("queued", "running")))
            found.append(some.exists() if self.active else ~some.exists())
        if self.after is not None:
            found.append(DagModel.dag_id > self.after)
        return found


def page(session: Session, wanted: Wanted, limit: int) -> list[JobRow]:
    """Read up to ``limit`` jobs in the order of their ids; those without a file only where that has an error."""
    found = query().where(_is_listed(), *wanted.conditions()).order_by(DagModel.dag_id).limit(limit)
    return read(session, found)


def all_tags(session: Session, wanted: Wanted) -> list[str]:
    """Read the tags of all jobs that are wanted, each once, without the one that all have."""
    jobs = query().where(_is_listed(), *wanted.conditions()).with_only_columns(DagModel.dag_id)
    found = select(DagTag.name).where(DagTag.dag_id.in_(jobs), DagTag.name != JOB_TAG)
    return list(session.scalars(found.distinct().order_by(DagTag.name)))


def _is_listed() -> ColumnElement[bool]:
    return or_(DagModel.is_stale == false(), DagModel.has_import_errors == true())


def tags(session: Session, jobs: Sequence[str]) -> dict[str, list[str]]:
    """Return the tags of jobs, without the one that all have."""
    found: dict[str, list[str]] = {job: [] for job in jobs}
    query = select(DagTag.dag_id, DagTag.name).where(DagTag.dag_id.in_(jobs), DagTag.name != JOB_TAG)
    for job, name in session.execute(query.order_by(DagTag.name)):
        found[job].append(name)
    return found


def latest_runs(session: Session, jobs: Sequence[str], number: int) -> dict[str, list[RunRow]]:
    """Return the latest runs of each job, the newest first."""
    found: dict[str, list[RunRow]] = {job: [] for job in jobs}
    if jobs:
        size = next((size for size in SIZES if size >= len(jobs)), len(jobs))
        names = {f"job_{place}": job for place, job in enumerate([*jobs, *[""] * (size - len(jobs))])}
        for row in run_rows.read(session, _newest(size, number), names):
            found[row.job].append(row)
    return found


@lru_cache(maxsize=16)
def _newest(jobs: int, number: int) -> Select[Any]:
    """Select the latest runs of the jobs ``job_0`` and so on. Building it takes longer than Postgres needs for it."""
    each = [_latest(bindparam(f"job_{place}"), number) for place in range(jobs)]
    return run_rows.query().where(DagRun.id.in_(union_all(*each))).order_by(DagRun.id.desc())


def _latest(job: BindParameter[str], number: int) -> Select[Any]:
    newest = select(DagRun.id).where(DagRun.dag_id == job).order_by(DagRun.id.desc()).limit(number).subquery()
    return select(newest.c.id)


def queued(session: Session, jobs: Sequence[str]) -> dict[str, int]:
    """Count the queued runs of each job that has some."""
    query = select(DagRun.dag_id, func.count()).where(DagRun.dag_id.in_(jobs), DagRun.state == "queued")
    return {job: number for job, number in session.execute(query.group_by(DagRun.dag_id))}  # noqa: C416 - of rows
