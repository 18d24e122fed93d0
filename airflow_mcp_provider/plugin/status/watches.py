"""The status of the watches of jobs (``schedule.watch``), which their triggers store, and whether a triggerer runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import WatchState
from airflow_mcp_provider.plugin.status import queues
from airflow_mcp_provider.plugin.status.airflow_internals import (
    AssetModel,
    AssetStateStoreModel,
    DagModel,
    DagScheduleAssetReference,
    triggerer_runs,
)
from airflow_mcp_provider.plugin.status.job_rows import JobRow
from airflow_mcp_provider.trigger.status import KEY, SCHEME, WatchStatus, asset_uri

NO_TRIGGERER = "no triggerer is running: start one with `airflow triggerer`"
NOT_STARTED = "the triggerer has not started this watch yet"


def of(session: Session, rows: Sequence[JobRow]) -> dict[str, WatchState]:
    """Return the status of each job that has a watch; without such a job there is no query.

    The queues of these jobs were read before, and so their markers.
    """
    watched = [row for row in rows if _has_watch(row.job)]
    if not watched:
        return {}
    now = datetime.now(UTC)
    alive, stored = triggerer_runs(session, now), _stored(session, [row.job for row in watched])
    return {row.job: _state(row, stored.get(row.job), now, alive=alive) for row in watched}


def watched_jobs(session: Session) -> list[str]:
    """Return the ids of all jobs with a watch that are neither paused nor removed."""
    query = (
        select(DagModel.dag_id)
        .join(DagScheduleAssetReference, DagScheduleAssetReference.dag_id == DagModel.dag_id)
        .join(AssetModel, AssetModel.id == DagScheduleAssetReference.asset_id)
        .where(AssetModel.uri.startswith(f"{SCHEME}://"), DagModel.is_paused.is_(False), DagModel.is_stale.is_(False))
    )
    return sorted(session.scalars(query))


def _has_watch(job: str) -> bool:
    schedule = queues.marker_of(job).schedule
    return schedule is not None and schedule.watch


def _stored(session: Session, jobs: Sequence[str]) -> dict[str, WatchStatus]:
    names = {asset_uri(job): job for job in jobs}
    query = (
        select(AssetModel.uri, AssetStateStoreModel.value)
        .join(AssetModel, AssetModel.id == AssetStateStoreModel.asset_id)
        .where(AssetStateStoreModel.key == KEY, AssetModel.uri.in_(names))
    )
    found = {names[uri]: WatchStatus.read(json.loads(value)) for uri, value in session.execute(query)}
    return {job: status for job, status in found.items() if status is not None}


def _state(row: JobRow, status: WatchStatus | None, now: datetime, *, alive: bool) -> WatchState:
    problem = None if row.paused or row.stale else _problem(status, now, alive=alive)
    if status is None:
        return WatchState(last_check=None, last_success=None, pending=False, error=None, failures=0, problem=problem)
    return WatchState(
        last_check=status.last_check,
        last_success=status.last_success,
        pending=status.pending,
        error=status.error,
        failures=status.failures,
        problem=problem,
    )


def _problem(status: WatchStatus | None, now: datetime, *, alive: bool) -> str | None:
    if not alive:
        return NO_TRIGGERER
    if status is None:
        return NOT_STARTED
    if status.is_silent(now):
        return f"no check since {status.last_check:%Y-%m-%d %H:%M} UTC, although a triggerer is running: see its log"
    return None
