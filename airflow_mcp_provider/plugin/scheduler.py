"""What a scheduler does for jobs beside Airflow's own work: one thread looks at the queues, one follows the pods."""

from __future__ import annotations

import sys
import threading

import structlog
from airflow.configuration import conf

from airflow_mcp_provider.plugin.child_runs.cancel_abandoned import end_abandoned
from airflow_mcp_provider.plugin.db.fork_lock import undivided
from airflow_mcp_provider.plugin.db.tables import create_session
from airflow_mcp_provider.plugin.queue.airflow_internals import scheduler_number
from airflow_mcp_provider.plugin.queue.monitor import QueueMonitor
from airflow_mcp_provider.plugin.settings import GateSettings

log = structlog.get_logger(__name__)


class Monitors:
    """The threads of one scheduler."""

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._queue = QueueMonitor(settings)
        self._thread: threading.Thread | None = None

    def start(self, component: object) -> None:
        """Look from now on, if ``component`` turns out to be a scheduler's job: when it starts it has no type yet."""
        if "scheduler" in sys.argv and _has_pods():
            _prepare_executor()
        self._thread = threading.Thread(target=self._run, args=(component,), name="mcp-monitor", daemon=True)
        self._thread.start()

    def _run(self, component: object) -> None:
        pause = threading.Event()
        follows_pods = False
        while not pause.wait(self._settings.look_interval):
            if (number := scheduler_number(component)) is None:
                return
            if not follows_pods and _has_pods():
                _follow_pods(number)
            follows_pods = True
            with undivided:
                self.look()

    def look(self) -> None:
        """Look at all queues, and at the runs that were made for a subtask, whatever becomes of the first."""
        for look in (self._queue.look, self._end_abandoned):
            try:
                look()
            except Exception:
                log.exception("the queue could not be looked at", look=look.__name__)

    def _end_abandoned(self) -> None:
        with create_session(scoped=False) as session:
            end_abandoned(session, self._settings)


def _has_pods() -> bool:
    return "Kubernetes" in (conf.get("core", "executor") or "")


def _prepare_executor() -> None:
    """Change the executor before its first look for orphans."""
    from airflow_mcp_provider.plugin.pods.api_outage import be_patient  # noqa: PLC0415 - Kubernetes' client
    from airflow_mcp_provider.plugin.pods.creation_errors import tell_refusals  # noqa: PLC0415 - likewise

    be_patient()
    tell_refusals()


def _follow_pods(number: str) -> None:
    """Pods that a scheduler left behind are looked after by its successor, before it makes one itself."""
    from airflow_mcp_provider.plugin.pods.monitor import watch  # noqa: PLC0415 - Kubernetes' client, where it is used

    watch(number)
