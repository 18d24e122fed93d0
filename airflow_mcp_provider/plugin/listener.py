"""Where Airflow calls the queue: its listener hooks, in the scheduler and the API server; never in a runner.

Registered by ``McpPlugin.on_load``. While the hooks are registered nothing of Airflow's models is imported, and not
before a hook is called for a job; a plain DAG costs a look into its ``default_args``.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog
from airflow.listeners import hookimpl
from airflow.utils.state import DagRunState

from airflow_mcp_provider.constants import MARKER_KEY
from airflow_mcp_provider.errors import InstallationError
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.plugin.settings import GateSettings

if TYPE_CHECKING:  # the modules behind these import Airflow's models, which are not there yet when plugins are loaded
    from airflow.models.dagrun import DagRun

    from airflow_mcp_provider.plugin.queue.gate import Gate
    from airflow_mcp_provider.plugin.scheduler import Monitors

log = structlog.get_logger(__name__)


def listeners() -> list[object]:
    """Return what to register: nothing when the gate is off; with wrong settings a gate that lets nobody through."""
    try:
        settings = GateSettings.read()
    except InstallationError as error:
        return [QueueListener(None, str(error))]
    return [QueueListener(settings)] if settings.gate else []


class QueueListener:
    """Airflow's hooks; ``wrong`` says what is wrong with the settings, which are None then."""

    def __init__(self, settings: GateSettings | None, wrong: str = "") -> None:
        self._settings = settings
        self._wrong = wrong
        self._monitors: Monitors | None = None

    @hookimpl
    def on_starting(self, component: object) -> None:
        """A server starts: end a scheduler whose settings are wrong, at once and not when the first run is due."""
        if type(component).__name__ != "Job":
            return
        if self._settings is not None:
            from airflow_mcp_provider.plugin.scheduler import Monitors  # noqa: PLC0415 - see above

            self._monitors = Monitors(self._settings)
            self._monitors.start(component)
        elif "scheduler" in sys.argv:
            log.error("the scheduler does not start", reason=self._wrong)
            raise SystemExit(f"airflow-mcp-provider: {self._wrong}")

    @hookimpl(wrapper=True, tryfirst=True)
    def on_dag_run_running(self, dag_run: DagRun, msg: str) -> Generator[None, Any, Any]:  # noqa: ARG002 - Airflow's
        """Airflow is about to start a run. A wrapper: no other listener comes before it, or can keep it from us."""
        if dag_run.dag is not None and MARKER_KEY in dag_run.dag.default_args:
            started = dag_run.start_date
            hold(dag_run)
            self._gate.admit(dag_run, started)
        return (yield)

    @hookimpl
    def on_dag_run_failed(self, dag_run: DagRun, msg: str) -> None:
        """A run has ended, perhaps from outside."""
        self._ended(dag_run, msg)

    @hookimpl
    def on_dag_run_success(self, dag_run: DagRun, msg: str) -> None:
        """A run has ended, perhaps from outside."""
        self._ended(dag_run, msg)

    def _ended(self, dag_run: DagRun, msg: str) -> None:
        if self._settings is None or dag_run.dag is None or MARKER_KEY not in dag_run.dag.default_args:
            return
        from airflow_mcp_provider.plugin.queue.termination import ended  # noqa: PLC0415 - see above

        try:
            ended(dag_run, msg, self._settings)
        except Exception:
            log.exception("the end of a run was not looked after", job=dag_run.dag_id, run=dag_run.run_id)

    @cached_property
    def _gate(self) -> Gate:
        from airflow_mcp_provider.plugin.queue.gate import Gate  # noqa: PLC0415 - see above

        return Gate(self._settings)


def hold(dag_run: DagRun) -> None:
    """Put a run back into the queue, as old as it was, behind those that Airflow has not looked at yet."""
    queued_at = dag_run.queued_at
    dag_run.state = DagRunState.QUEUED
    dag_run.queued_at = queued_at  # the line above made it now: its queue timeout would begin anew
    dag_run.last_scheduling_decision = clock.now()
