"""``queue.keep``: delete ended runs of jobs, in the background.

Runs in the scheduler's regular check, for ``BUDGET_S`` at most: a run each in a transaction of its own, a page of each
job in turn. What is not done in that time goes on at the next check; else the next look is after ``INTERVAL_S``.

Never deleted: a run that is active, whose tasks may still work, that was made for a subtask which still waits for it,
that ``queue.rate`` still counts, and the latest scheduled one or backfill, after which Airflow makes the next one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import structlog
from sqlalchemy import ColumnElement, Select, delete, func, select, tuple_
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import JOB_TAG
from airflow_mcp_provider.plugin.db import clock, rows, run_end
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.job_markers import Markers
from airflow_mcp_provider.plugin.db.locks import limit_waiting, skip_locked
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.states import RUN_ACTIVE, RUN_ENDED
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunType, DagTag, Store, create_session
from airflow_mcp_provider.plugin.queue.working import works
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec.keep import Keep
from airflow_mcp_provider.spec.rate import Rate

INTERVAL_S = 30.0
BUDGET_S = 1.0
"""Of one look over all jobs: the scheduler cannot fork meanwhile. The deletion of one run is not interrupted."""
PAGE = 50
"""Runs of a job that are looked at in its turn."""
LOCK_TIMEOUT_MS = 500
AUTOMATED = (DagRunType.SCHEDULED, DagRunType.BACKFILL_JOB)
"""Airflow makes the next scheduled run after the latest of these: ``airflow.dag_processing.collection``."""

Place: TypeAlias = tuple[datetime | None, int]
"""A run in the order of deletion: ``end_date`` and DagRun.id."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is kept of a job; ``rate`` is its ``queue.rate``, which counts ended runs, too."""

    keep: Keep
    rate: Rate | None = None


class Retention:
    """Deletes ended runs; keeps the markers between two looks, the jobs that are not done, and how far each is."""

    def __init__(self, interval: float = INTERVAL_S, budget: float = BUDGET_S) -> None:
        self._interval = interval
        self._budget = budget
        self._markers = Markers()
        self._due = 0.0
        self._left: deque[str] = deque()
        self._passed: dict[str, Place] = {}

    def look(self) -> None:
        """Delete what is not kept, if it is time."""
        now = time.monotonic()
        if now < self._due:
            return
        rules = self._rules()
        turns = deque(sorted(rules, key=lambda job: self._left.index(job) if job in self._left else len(self._left)))
        while turns:
            job = turns.popleft()
            if not self._is_done(job, rules[job], now + self._budget):
                turns.append(job)
            if time.monotonic() >= now + self._budget:
                break
        self._left = turns
        self._due = 0.0 if turns else now + self._interval

    def _rules(self) -> dict[str, Rule]:
        """Return the rules of the jobs that have ``queue.keep``."""
        with create_session(scoped=False) as session:
            jobs = list(session.scalars(select(DagTag.dag_id).where(DagTag.name == JOB_TAG).order_by(DagTag.dag_id)))
            self._markers.learn(session, jobs)
        found = {job: marker.submit for job in jobs if (marker := self._markers.of(job))}
        return {job: Rule(submit.keep, submit.rate) for job, submit in found.items() if submit.keep}

    def _is_done(self, job: str, rule: Rule, end: float) -> bool:
        """Delete a page of a job's runs until ``end``; returns whether there are no more of them.

        What may not be deleted is passed: the next page begins behind it, also in the next look. An error affects one
        job only.
        """
        looked_at = 0
        try:
            for place in prune(job, rule, self._passed.pop(job, None)):
                looked_at += 1
                self._passed[job] = place
                if time.monotonic() >= end:
                    return False
        except Exception:
            log.exception("failed to delete ended runs of a job", job=job)
        if looked_at < PAGE:
            self._passed.pop(job, None)
        return looked_at < PAGE


def prune(dag_id: str, rule: Rule, after: Place | None) -> Iterator[Place]:
    """Delete a page of a job's runs that are not kept, the oldest first; yields those that were looked at."""
    with create_session(scoped=False) as session:
        found = session.execute(surplus(dag_id, rule, after)).all()
    for number, run_id, end_date in found:
        run = RunRef(number, dag_id, run_id)
        with create_session(scoped=False) as session:
            limit_waiting(session, LOCK_TIMEOUT_MS)
            if is_over(session, run):
                session.execute(delete(DagRun).where(DagRun.id == run.id).execution_options(synchronize_session=False))
                log.info("run deleted", job=dag_id, run=run_id, reason="queue.keep")
        yield end_date, number


def surplus(dag_id: str, rule: Rule, after: Place | None = None) -> Select[int, str, datetime | None]:
    """Select a page of the ended runs that are not kept, the oldest first, behind the run ``after``."""
    ended = (DagRun.dag_id == dag_id, DagRun.state.in_(RUN_ENDED), DagRun.end_date.is_not(None))
    place = (DagRun.end_date, DagRun.id)
    query = select(DagRun.id, DagRun.run_id, DagRun.end_date).where(*ended, _is_not_latest(dag_id))
    if rule.rate is not None:
        query = query.where(DagRun.created_at.is_(None) | (DagRun.created_at <= clock.now() - rule.rate.period))
    if after is not None:
        query = query.where(tuple_(*place) > after)
    if rule.keep.age is not None:
        query = query.where(DagRun.end_date < clock.now() - rule.keep.age)
    else:
        newest = select(DagRun.id).where(*ended).order_by(*(one.desc() for one in place)).limit(rule.keep.count)
        query = query.where(DagRun.id.not_in(newest.scalar_subquery()))
    return query.order_by(*place).limit(PAGE)


def _is_not_latest(dag_id: str) -> ColumnElement[bool]:
    """Whether Airflow does not make the next scheduled run after this one (``_get_latest_runs_stmt``)."""
    automated = DagRun.run_type.in_(AUTOMATED)
    latest = select(func.max(DagRun.logical_date)).where(DagRun.dag_id == dag_id, automated)
    return ~automated | (DagRun.logical_date < latest.scalar_subquery())


def is_over(session: Session, run: RunRef) -> bool:
    """Lock the run, and return whether nothing of it works, and nothing waits for it."""
    mine = select(DagRun.id).where(DagRun.id == run.id, DagRun.state.in_(RUN_ENDED))
    if session.execute(skip_locked(mine, session, DagRun)).first() is None:
        return False
    connection = session.connection()
    if works(connection, run):
        return False
    end = run_end.latest(connection, run.id)
    return not (end and end.ending(clock.now())) and not _is_awaited(session, run)


def _is_awaited(session: Session, run: RunRef) -> bool:
    row = (Store.dag_run_id == run.id, Store.task_id == PLAN, Store.map_index == -1, Store.key == store_keys.CALLER)
    caller = rows.parsed(session.scalar(select(Store.value).where(*row)))
    number = caller.get("run") if isinstance(caller, dict) else None
    if type(number) is not int:
        return False
    return session.scalar(select(DagRun.state).where(DagRun.id == number)) in RUN_ACTIVE
