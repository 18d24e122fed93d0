"""The markers of jobs, read from their serialized DAGs, once per DAG version.

Runs in the scheduler, which does not have the specs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import BaseSerialization
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.constants import MARKER_KEY
from airflow_mcp_provider.spec.marker import Marker

log = structlog.get_logger(__name__)


class Markers:
    """A cache of markers; a DAG without a marker or with an invalid one has None."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[str, Marker | None]] = {}

    def of(self, dag_id: str) -> Marker | None:
        """Return a job's marker; None for a DAG that is not a job, or was not read."""
        return self._read[dag_id][1] if dag_id in self._read else None

    def learn(self, session: Session, dag_ids: Iterable[str]) -> None:
        """Read the markers of serialized DAGs that are new or changed."""
        newest = (
            select(SerializedDagModel.dag_id, func.max(SerializedDagModel.created_at).label("at"))
            .where(SerializedDagModel.dag_id.in_(list(dag_ids)))
            .group_by(SerializedDagModel.dag_id)
            .subquery()
        )
        query = select(SerializedDagModel.dag_id, SerializedDagModel.dag_hash, SerializedDagModel.id).join(
            newest,
            (newest.c.dag_id == SerializedDagModel.dag_id) & (newest.c.at == SerializedDagModel.created_at),
        )
        for dag_id, state, number in session.execute(query):
            if self._read.get(dag_id, ("",))[0] != state:
                self._read[dag_id] = (state, marker_of(session.get_one(SerializedDagModel, number)))


def markers(session: Session, jobs: Iterable[str]) -> dict[str, Marker]:
    """Read the markers of jobs without a cache; DAGs without a valid marker are left out."""
    read, named = Markers(), list(jobs)
    read.learn(session, named)
    return {job: marker for job in named if (marker := read.of(job)) is not None}


def marker_of(row: SerializedDagModel) -> Marker | None:
    """Return a job's marker; None for a DAG without a valid marker."""
    try:
        value = default_args(row).get(MARKER_KEY)
        return None if value is None else Marker.read(value)
    except Exception:
        log.exception("cannot read the marker of a job; its runs stay queued until the DAG is fixed", job=row.dag_id)
        return None


def default_args(row: SerializedDagModel) -> dict[str, Any]:
    """Return a DAG's ``default_args`` without deserializing the DAG."""
    data: Any = row.data
    found: dict[str, Any] = BaseSerialization.deserialize(data["dag"].get("default_args")) or {}
    return found
