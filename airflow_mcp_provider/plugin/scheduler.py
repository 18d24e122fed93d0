"""Background threads of a scheduler: one checks the queues of all jobs, one watches the pods."""

from __future__ import annotations

import sys
import threading

import structlog
from airflow.configuration import conf

from airflow_mcp_provider.plugin.child_runs.cancel_abandoned import end_abandoned
from airflow_mcp_provider.plugin.control.keep import Retention
from airflow_mcp_provider.plugin.db.fork_lock import no_fork
from airflow_mcp_provider.plugin.db.locks import limit_waiting
from airflow_mcp_provider.plugin.db.tables import create_session
from airflow_mcp_provider.plugin.queue import removed_jobs
from airflow_mcp_provider.plugin.queue.airflow_internals import scheduler_number
from airflow_mcp_provider.plugin.queue.monitor import QueueMonitor
from airflow_mcp_provider.plugin.schedules.release import release
from airflow_mcp_provider.plugin.schedules.watchers import end_watches
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.plugin.status.late_runs import LateRuns

log = structlog.get_logger(__name__)


class Monitors:
    """The threads of one scheduler."""

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._queue = QueueMonitor(settings)
        self._late = LateRuns()
        self._retention = Retention()
        self._thread: threading.Thread | None = None

    def start(self, component: object) -> None:
        """Start the thread; it ends if ``component`` is no scheduler's job. A job has no type yet at its start."""
        if "scheduler" in sys.argv and _has_pods():
            _prepare_executor()
        self._thread = threading.Thread(target=self._run, args=(component,), name="mcp-monitor", daemon=True)
        self._thread.start()

    def _run(self, component: object) -> None:
        pause = threading.Event()
        follows_pods = False
        while not pause.wait(self._settings.look_interval):
            try:
                number = scheduler_number(component)
            except LookupError:
                return
            if number is None:  # a slow machine: it takes longer to start than the interval
                continue
            if not follows_pods and _has_pods():
                _follow_pods(number)
            follows_pods = True
            with no_fork:
                self.look()

    def look(self) -> None:
        """Check queues, schedules, runs of subtasks, and ended runs; each despite errors of others."""
        ends = (self._end_abandoned, self._of_removed_jobs, self._retention.look)
        for look in (self._queue.look, self._late.look, self._release, self._end_watches, *ends):
            try:
                look()
            except Exception:
                log.exception("failed to check the queue", look=look.__name__)

    def _release(self) -> None:
        with create_session(scoped=False) as session:
            release(session)

    def _end_watches(self) -> None:
        with create_session(scoped=False) as session:
            limit_waiting(session, round(1000 * self._settings.lock_timeout))
            end_watches(session)

    def _of_removed_jobs(self) -> None:
        removed_jobs.look(self._settings.lock_timeout)

    def _end_abandoned(self) -> None:
        with create_session(scoped=False) as session:
            end_abandoned(session, self._settings)


def _has_pods() -> bool:
    return "Kubernetes" in (conf.get("core", "executor") or "")


def _prepare_executor() -> None:
    """Patch the executor before it adopts orphaned tasks for the first time."""
    from airflow_mcp_provider.plugin.pods.api_outage import tolerate_outages  # noqa: PLC0415 - Kubernetes' client
    from airflow_mcp_provider.plugin.pods.creation_errors import report_creation_errors  # noqa: PLC0415 - likewise

    tolerate_outages()
    report_creation_errors()


def _follow_pods(number: str) -> None:
    """Watch the pods from the start, for those that an earlier scheduler left behind."""
    from airflow_mcp_provider.plugin.pods.monitor import watch  # noqa: PLC0415 - Kubernetes' client, where it is used

    watch(number)
