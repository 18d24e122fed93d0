"""The conf of a run that the scheduler creates: ``schedule.conf``, and what ``schedule.watch`` has reported."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.admission.rules import Submitted, wrong_conf
from airflow_mcp_provider.plugin.schedules.airflow_internals import (
    AssetEvent,
    DagScheduleAssetReference,
    SerializedDAG,
)
from airflow_mcp_provider.spec.schedule_rules import ScheduleRules
from airflow_mcp_provider.trigger.event import CONF


def read(session: Session, job: str, rules: ScheduleRules, until: datetime) -> dict[str, Any]:
    """Return the conf; the newest event of the job's assets up to ``until`` has what a check reported.

    Raises ValueError where that is not a mapping.
    """
    return {**rules.conf, **(_reported(session, job, until) if rules.watch else {})}


def _reported(session: Session, job: str, until: datetime) -> Mapping[str, Any]:
    newest = (
        select(AssetEvent.extra)
        .join(DagScheduleAssetReference, DagScheduleAssetReference.asset_id == AssetEvent.asset_id)
        .where(DagScheduleAssetReference.dag_id == job, AssetEvent.timestamp <= until)
        .order_by(AssetEvent.timestamp.desc(), AssetEvent.id.desc())
        .limit(1)
    )
    found = of_event(session.scalar(newest))
    if not isinstance(found, dict):
        raise ValueError(f"invalid conf of a watch: {found!r:.80}; expected a mapping of params")  # noqa: TRY004 - as the others
    return found


def of_event(extra: object) -> object:
    """Return the conf in the ``extra`` of an asset event, empty where it has none."""
    payload = extra.get("payload", extra) if isinstance(extra, dict) else {}
    return payload.get(CONF, {}) if isinstance(payload, dict) else {}


def wrong(dag: SerializedDAG, run_id: str, conf: dict[str, Any]) -> str | None:
    """Return why the conf is refused, whatever its values are; None if it is not. Airflow validates the values."""
    refusal = wrong_conf(Submitted(dag.dag_id, run_id, None, conf), frozenset(dag.params))
    return None if refusal is None else refusal.text
