"""End the watch of a job that was removed, or that has another schedule now.

Airflow removes the trigger of a watch when it parses the asset of the watch. The asset of a removed spec, or of a spec
without ``watch``, is not parsed any more: its trigger would go on for ever, take messages from its queue, and make
events that start no run. The triggerer deletes a trigger that no asset refers to. A spec that comes back gets a new
trigger when it is parsed.
"""

from __future__ import annotations

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.schedules.airflow_internals import (
    AssetModel,
    AssetWatcherModel,
    DagModel,
    DagScheduleAssetReference,
)
from airflow_mcp_provider.trigger.status import SCHEME

log = structlog.get_logger(__name__)


def end_watches(session: Session) -> int:
    """Remove the watchers that no job has now; returns how many there were."""
    wanted = (
        select(DagScheduleAssetReference.asset_id)
        .join(DagModel, DagModel.dag_id == DagScheduleAssetReference.dag_id)
        .where(~DagModel.is_stale)
    )
    left = select(AssetModel.id).where(AssetModel.uri.startswith(f"{SCHEME}://"), AssetModel.id.not_in(wanted))
    removed = delete(AssetWatcherModel).where(AssetWatcherModel.asset_id.in_(left))
    count: int = session.execute(removed.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    if count:
        log.info("ended watches that no job has now", count=count)
    return count
