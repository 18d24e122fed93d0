"""``on`` of a spec in its DAG: what the report calls, and the callback for runs that end without their report.

The report of a run calls the notifiers itself. For other ends, and for late runs, the plugin writes a request for the
DAG processor (``plugin.notices``), which parses the file and calls ``on_failure_callback`` of the DAG.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import structlog
from airflow.sdk import DAG

from airflow_mcp_provider.operators.notifiers import send
from airflow_mcp_provider.runtime.notice import Notice
from airflow_mcp_provider.spec import JobSpec
from airflow_mcp_provider.spec.notify import Notify, On

log = structlog.get_logger(__name__)


def of_report(spec: JobSpec) -> dict[str, Any]:
    """Return the keyword arguments of the report's operator: the notifiers by event, in their JSON form."""
    on = spec.on
    if on is None:
        return {}
    # A run that succeeded partly is one event only.
    events = {"failure": on.failure, "success": on.success, "partial": on.partial or on.success}
    named = {event: _plain(notifiers) for event, notifiers in events.items() if notifiers}
    return {"on": named} if named else {}


def attach(dag: DAG, spec: JobSpec) -> None:
    """Set the callback of a DAG whose job has notifiers for failures or late runs.

    Set after the DAG was created, so that ``has_on_failure_callback`` stays False: Airflow itself would otherwise
    request the callback for each failed run, also where the report has called the notifiers.
    """
    if spec.on and (spec.on.failure or spec.on.late):
        dag.on_failure_callback = RequestedNotifiers(spec.on)


class RequestedNotifiers:
    """Airflow's callback, in the DAG processor: ``context["reason"]`` is the notice of the request as JSON."""

    def __init__(self, on: On) -> None:
        self._on = on

    def __call__(self, context: Mapping[str, Any]) -> None:
        """Call the notifiers of the event. Airflow itself requests the callback of each run that timed out."""
        try:
            notice = msgspec.json.decode(context.get("reason") or "", type=Notice)
        except msgspec.MsgspecError:
            log.debug("ignored a request of Airflow", run=context.get("run_id"), reason=context.get("reason"))
            return
        send(notice, _plain(self._of(notice)), context)

    def _of(self, notice: Notice) -> Iterable[Notify]:
        if notice.event == "late":
            return [one for one in self._on.late if one.after.total_seconds() == notice.after]
        return self._on.failure


def _plain(notifiers: Iterable[Notify]) -> list[dict[str, Any]]:
    return [{"notifier": one.notifier, "args": one.args} for one in notifiers]
