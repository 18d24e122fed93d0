"""The markers of jobs, read from their serialized DAGs: once a version, however often they are asked for.

Runs in the scheduler, which has no spec.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.queue.airflow_internals import SerializedDagModel, default_args
from airflow_mcp_provider.spec.marker import KEY, Marker

log = structlog.get_logger(__name__)


class Markers:
    """What has been read so far; a DAG whose marker is missing or broken has None."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[str, Marker | None]] = {}

    def of(self, dag_id: str) -> Marker | None:
        """Return a job's marker; None for a DAG that is no job, or was not learnt."""
        return self._read[dag_id][1] if dag_id in self._read else None

    def learn(self, session: Session, dag_ids: Iterable[str]) -> None:
        """Read the markers of serialized DAGs that are new or changed; what has none is no job."""
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


def marker_of(row: SerializedDagModel) -> Marker | None:
    """Return a job's marker; None for a DAG that is no job, or whose marker is broken."""
    try:
        value = default_args(row).get(KEY)
        return None if value is None else Marker.read(value)
    except Exception:
        log.exception("a job's marker cannot be read; it has no runs until its DAG is right", job=row.dag_id)
        return None
