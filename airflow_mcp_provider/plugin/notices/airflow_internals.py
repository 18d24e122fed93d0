"""Private API of Airflow for notifications: the table of requests to the DAG processor, and the report's XComs.

tests/unit/plugin/notices/test_notices_contract.py checks each, so that a change in Airflow fails there.
"""

from __future__ import annotations

from typing import Any

from airflow.callbacks.callback_requests import DagCallbackRequest
from airflow.configuration import conf
from airflow.models.callback import DagProcessorCallback
from airflow.models.dag import DagModel
from airflow.models.xcom import XComModel
from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import REPORT
from airflow_mcp_provider.plugin.db.tables import DagRun
from airflow_mcp_provider.runtime import store_keys

__all__ = ["base_url", "notified", "request_callback"]


def base_url() -> str:
    """Return the address of the UI."""
    return str(conf.get("api", "base_url", fallback="") or "http://localhost:8080")


def request_callback(connection: Connection, run: RunRef, reason: str) -> bool:
    """Request ``on_failure_callback`` of the run's DAG, with ``reason`` in its context; False if the DAG is gone."""
    query = (
        select(DagModel.relative_fileloc, DagModel.bundle_name, DagRun.bundle_version)
        .join(DagRun, DagRun.dag_id == DagModel.dag_id)
        .where(DagRun.id == run.id)
    )
    found = connection.execute(query).first()
    if found is None or found.relative_fileloc is None:
        return False
    request = DagCallbackRequest(
        filepath=found.relative_fileloc,
        bundle_name=found.bundle_name,
        bundle_version=found.bundle_version,
        dag_id=run.dag_id,
        run_id=run.run_id,
        msg=reason,
    )
    made = DagProcessorCallback(1, request)
    names = ("type", "fetch_method", "data", "bundle_name", "state", "priority_weight")
    values = {name: getattr(made, name) for name in names}
    connection.execute(insert(DagProcessorCallback).values(**values, created_at=clock.now()))
    return True


def notified(session: Session, run: RunRef) -> str | None:
    """Return the event whose notifiers the report of the run has called, since it was cleared; None if none.

    Airflow keeps the XCom of a cleared report until that starts again.
    """
    query = (
        select(XComModel.value)
        .join(DagRun, DagRun.id == XComModel.dag_run_id)
        .where(DagRun.id == run.id, XComModel.task_id == REPORT, XComModel.key == store_keys.NOTIFIED)
        .where(DagRun.queued_at.is_(None) | (XComModel.timestamp >= DagRun.queued_at))
    )
    row = session.execute(query).first()
    value: Any = None if row is None else XComModel.deserialize_value(row)
    return value.get("event") if isinstance(value, dict) else None
