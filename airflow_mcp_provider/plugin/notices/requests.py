"""Write the request to call the notifiers of a job."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.job_markers import markers
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.notices.airflow_internals import base_url, request_callback
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.notice import Event, Notice, run_url

WANTED = frozenset({Reason.CANCELLED, Reason.REPLACED})
"""Ends that somebody wanted: they are not failures."""

log = structlog.get_logger(__name__)


def notice(run: RunRef, event: Event, state: str, reason: str) -> Notice:
    """Return a notice without counts."""
    url = run_url(base_url(), run.dag_id, run.run_id)
    text = redaction.text(reason)
    return Notice(event=event, job=run.dag_id, run=run.run_id, state=state, url=url, reason=text)


def put(connection: Connection, run: RunRef, about: Notice) -> None:
    """Write the request, in the transaction of the caller."""
    if request_callback(connection, run, msgspec.json.encode(about).decode()):
        log.info("notification requested", job=run.dag_id, run=run.run_id, notification=about.event)
    else:
        log.warning("notification not sent: the DAG is gone", job=run.dag_id, run=run.run_id)


def unstarted(session: Session, connection: Connection, ends: Mapping[RunRef, End]) -> None:
    """Write the requests for runs that ended before they started."""
    failed = {run: end for run, end in ends.items() if end.reason not in WANTED}
    known = markers(session, {run.dag_id for run in failed}) if failed else {}
    for run, end in failed.items():
        if run.dag_id in known and known[run.dag_id].notify.failure:
            put(connection, run, notice(run, "failure", "failed", end.text))
