"""Which of a job's missed dates gets a run: no database here.

Airflow's scheduler creates a run for the date that was computed when the last run was created, or when the DAG file was
parsed: after a downtime of hours that is the first missed date, also where only the latest one is wanted.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from airflow_mcp_provider.plugin.schedules.airflow_internals import DagRunInfo, SerializedDAG, next_date

MOST = 1_000
"""Steps to the date of one run; our timetables need two at most, as they leave out the dates between themselves."""


def choose(dag: SerializedDAG, given: DagRunInfo, grace: timedelta | None, now: datetime) -> DagRunInfo:
    """Return the date of the run that Airflow would create for ``given``.

    The latest missed one where the DAG does not catch up. Where it does, each missed date has a run, except those
    before ``now - grace``: the latest of them stands for all, so that a long downtime does not leave thousands of runs
    that are dropped one after the other.
    """
    limit = now if not dag.catchup else now - grace if grace else None
    if limit is None or given.run_after >= limit:
        return given
    for _ in range(MOST):
        later = next_date(dag, given)
        if later is None or later.run_after > limit or later.run_after <= given.run_after:
            break
        given = later
    return given


def jitter(job: str, run_id: str, most: timedelta | None) -> timedelta:
    """Return by how much a run starts later: a stable share of ``most``, in milliseconds."""
    if most is None:
        return timedelta()
    number = int.from_bytes(hashlib.sha256(f"{job} {run_id}".encode()).digest()[:8])
    return timedelta(milliseconds=number % (most // timedelta(milliseconds=1) + 1))
