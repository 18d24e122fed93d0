"""Airflow's listener hooks that call the queue: in the scheduler and in the API server, never in a runner.

Registered by ``McpPlugin.on_load``. Airflow's models are not imported before a hook is called for a job; for other DAGs
only ``default_args`` is checked.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog
from airflow.configuration import conf
from airflow.listeners import hookimpl
from airflow.utils.state import DagRunState

from airflow_mcp_provider.constants import MARKER_KEY
from airflow_mcp_provider.errors import InstallationError
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.spec.marker import Marker

if TYPE_CHECKING:  # these modules import Airflow's models, which are not available yet when plugins are loaded
    from airflow.models.dagrun import DagRun

    from airflow_mcp_provider.plugin.queue.gate import Gate
    from airflow_mcp_provider.plugin.scheduler import Monitors

log = structlog.get_logger(__name__)


def listeners() -> list[object]:
    """Return the listeners: none when the gate is off; with invalid settings a gate that starts no run."""
    try:
        settings = GateSettings.read()
    except InstallationError as error:
        return [QueueListener(None, str(error))]
    return [QueueListener(settings)] if settings.gate else []


class QueueListener:
    """Airflow's hooks; ``settings`` is None for invalid settings, and ``wrong`` is the error message then."""

    def __init__(self, settings: GateSettings | None, wrong: str = "") -> None:
        self._settings = settings
        self._wrong = wrong
        self._monitors: Monitors | None = None

    @hookimpl
    def on_starting(self, component: object) -> None:
        """Called when a component starts: exit from a scheduler with invalid settings at once, before any run."""
        if type(component).__name__ != "Job":
            return
        if "dag-processor" in sys.argv:
            preload()
        if self._settings is not None:
            from airflow_mcp_provider.plugin.scheduler import Monitors  # noqa: PLC0415 - see above

            self._monitors = Monitors(self._settings)
            self._monitors.start(component)
        elif "scheduler" in sys.argv:
            log.error("the scheduler does not start", reason=self._wrong)
            raise SystemExit(f"airflow-mcp-provider: {self._wrong}")

    @hookimpl(wrapper=True, tryfirst=True)
    def on_dag_run_running(self, dag_run: DagRun, msg: str) -> Generator[None, Any, Any]:  # noqa: ARG002 - Airflow's
        """Called before Airflow starts a run. A hook wrapper: no other listener is called before it, or can skip it."""
        if dag_run.dag is not None and MARKER_KEY in dag_run.dag.default_args:
            started = dag_run.start_date
            requeue(dag_run)
            self._gate.admit(dag_run, started)
            if dag_run.state == DagRunState.RUNNING:
                self._pin(dag_run)
        return (yield)

    def _pin(self, dag_run: DagRun) -> None:
        from airflow_mcp_provider.plugin.queue.pin import pin  # noqa: PLC0415 - see above

        try:
            pin(dag_run, self._settings.lock_timeout if self._settings else 1)
        except Exception:
            log.exception("failed to keep the version of a run's DAG", job=dag_run.dag_id, run=dag_run.run_id)

    @hookimpl
    def on_new_dag_import_error(self, filename: str, stacktrace: str) -> None:  # noqa: ARG002 - Airflow's
        """Called in the DAG processor when a file has an import error that it had not before."""
        self._invalid(filename)

    @hookimpl
    def on_existing_dag_import_error(self, filename: str, stacktrace: str) -> None:  # noqa: ARG002 - Airflow's
        """Called in the DAG processor when a file has an import error as before."""
        self._invalid(filename)

    def _invalid(self, filename: str) -> None:
        from airflow_mcp_provider.plugin.queue.last_good import keep  # noqa: PLC0415 - see above

        try:
            keep(filename)
        except Exception:
            log.exception("failed to keep the job of a spec with an import error", file=filename)

    @hookimpl
    def on_dag_run_failed(self, dag_run: DagRun, msg: str) -> None:
        """Called when a run has ended, by itself or by a user."""
        self._ended(dag_run, msg)

    @hookimpl
    def on_dag_run_success(self, dag_run: DagRun, msg: str) -> None:
        """Called when a run has ended, by itself or by a user."""
        self._ended(dag_run, msg)

    def _ended(self, dag_run: DagRun, msg: str) -> None:
        if self._settings is None or dag_run.dag is None or MARKER_KEY not in dag_run.dag.default_args:
            return
        # A run that ends is not examined again, so an error in one of these must not leave out the others.
        for handle in (self._end, self._notify, self._completed, self._give_up):
            try:
                handle(dag_run, msg, self._settings)
            except Exception:
                log.exception("failed to handle the end of a run", job=dag_run.dag_id, run=dag_run.run_id)

    def _end(self, dag_run: DagRun, msg: str, settings: GateSettings) -> None:
        from airflow_mcp_provider.plugin.queue.termination import ended  # noqa: PLC0415 - see above

        ended(dag_run, msg, settings)

    def _notify(self, dag_run: DagRun, msg: str, settings: GateSettings) -> None:
        if dag_run.dag is None or not Marker.read(dag_run.dag.default_args[MARKER_KEY]).notify.failure:
            return
        from airflow_mcp_provider.plugin.status.notices import ended  # noqa: PLC0415 - see above

        ended(dag_run, msg, settings)

    def _completed(self, dag_run: DagRun, msg: str, _: GateSettings) -> None:
        from airflow_mcp_provider.plugin.schedules.completed import completed  # noqa: PLC0415 - see above

        completed(dag_run, msg)

    def _give_up(self, dag_run: DagRun, _: str, settings: GateSettings) -> None:
        from airflow_mcp_provider.plugin.queue.removed_jobs import give_up_now  # noqa: PLC0415 - see above

        give_up_now(dag_run, settings.lock_timeout)

    @cached_property
    def _gate(self) -> Gate:
        from airflow_mcp_provider.plugin.queue.gate import Gate  # noqa: PLC0415 - see above

        return Gate(self._settings)


def preload() -> None:
    """Import what each parse of a DAG file with jobs needs: the DAG processor forks a process for each.

    With pods that is Kubernetes' client, too, whose import takes a second of CPU time.
    """
    importlib.import_module("airflow_mcp_provider.factory")
    if "Kubernetes" in (conf.get("core", "executor") or ""):
        importlib.import_module("airflow_mcp_provider.factory.pod.build")


def requeue(dag_run: DagRun) -> None:
    """Set a run back to QUEUED with its old queue time, behind the runs that Airflow has not examined yet."""
    queued_at = dag_run.queued_at
    dag_run.state = DagRunState.QUEUED
    dag_run.queued_at = queued_at  # the line above set it to now, which would restart its queue timeout
    dag_run.last_scheduling_decision = clock.now()
