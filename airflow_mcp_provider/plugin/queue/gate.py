"""The gate decides whether a queued run starts now: one active run per job, with any number of schedulers.

Called by Airflow's scheduler for every run that it is about to start, inside its transaction and before the commit. The
``listener`` has set the run back to QUEUED before, and only the gate starts it, so that no run starts after an error of
the gate. Two schedulers exclude each other by a lock on the job's ``DagModel`` row. All row locks use SKIP LOCKED, so
there are no deadlocks.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session, object_session

from airflow_mcp_provider.constants import MARKER_KEY
from airflow_mcp_provider.errors import InstallationError
from airflow_mcp_provider.plugin import metrics
from airflow_mcp_provider.plugin.db import clock, run_end, run_notes
from airflow_mcp_provider.plugin.db.locks import savepoint, skip_locked
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState
from airflow_mcp_provider.plugin.queue import host_memory, ordering, parallelism, slot
from airflow_mcp_provider.plugin.queue.airflow_internals import lock_job, lock_queued
from airflow_mcp_provider.plugin.queue.starved import skipped_runs
from airflow_mcp_provider.plugin.queue.termination import end_unstarted
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.spec.marker import Marker

REPEAT_S = 300
"""Seconds after which the same reason of a waiting run is logged again, instead of in every scheduler loop."""
REMEMBERED = 10_000
BUSY = "the DagModel row of the job is locked by another scheduler or by the DAG processor"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Decision:
    """``outcome``: ``started``, ``waits`` or ``ended``; ``next``: the DagRun.id of the run to start instead.

    ``running`` and ``queued`` are numbers of runs; ``noted``: the run has a note.
    """

    outcome: str
    reason: str
    running: int = 0
    queued: int | None = None
    next: int | None = None
    noted: bool = False


class Gate:
    """The gate of one scheduler; with ``settings`` None (invalid settings) no run starts."""

    def __init__(self, settings: GateSettings | None) -> None:
        self._settings = settings
        self._reported: OrderedDict[int, str] = OrderedDict()
        self._starting = False
        self._next_look = 0.0

    def admit(self, dag_run: DagRun, started: datetime | None) -> None:
        """Decide on a run that Airflow is about to start; ``started``: the start date that Airflow set."""
        session = object_session(dag_run)
        if session is None:
            raise RuntimeError(f"run {dag_run.run_id} of {dag_run.dag_id} is not attached to a session")
        try:
            decision = self._decide(session, dag_run)
        except Exception as error:  # noqa: BLE001 - the run stays queued after any error
            self._failed(session, dag_run, error)
        else:
            self._carry_out(session, dag_run, decision, started)

    def _decide(self, session: Session, dag_run: DagRun) -> Decision:
        if self._settings is None:
            raise InstallationError("invalid options in [mcp]; see the scheduler's log at its start")
        marker = Marker.read(dag_run.dag.default_args[MARKER_KEY]) if dag_run.dag else Marker()
        with savepoint(session, self._settings.lock_timeout) as connection:
            decision = self._judge(session, connection, dag_run, marker)
            self._publish(session, connection, dag_run, decision)
        return decision

    def _judge(self, session: Session, connection: Connection, run: DagRun, marker: Marker) -> Decision:
        if not lock_job(session, connection, run.dag_id):
            return Decision("waits", BUSY)
        grace = timedelta(seconds=self._settings.end_grace if self._settings else 0)
        held = slot.look(connection, run, grace)
        if held.reason:
            return Decision("waits", held.reason, held.running, next=held.next)
        if held.own:
            return Decision("started", "its tasks are running", 1, noted=run.note is not None)
        if too_little := host_memory.too_little(marker.submit.memory):
            return Decision("waits", too_little)
        return _choose(session, connection, run, marker)

    def _carry_out(self, session: Session, run: DagRun, decision: Decision, started: datetime | None) -> None:
        if decision.outcome == "started":
            run.state = DagRunState.RUNNING
            run.start_date = started
            run.last_scheduling_decision = None  # its tasks are scheduled first, as those of any run that starts
            return
        if decision.outcome == "ended":
            session.refresh(run)
        if decision.next is not None:
            self._start(session, partial(_first, session, run, decision.next))
        elif decision.running:
            self._start_skipped(session)

    def _start_skipped(self, session: Session) -> None:
        """Start runs of other jobs that Airflow does not examine because of this run; at most once per interval."""
        if self._settings is not None and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + self._settings.look_interval
            self._start(session, partial(skipped_runs, session))

    def _start(self, session: Session, choose: Callable[[], Iterable[DagRun]]) -> None:
        """Start runs that the scheduler did not choose, in the same way: the listener calls ``admit`` for each."""
        if self._starting or self._settings is None:
            return
        self._starting = True
        try:
            with savepoint(session, self._settings.lock_timeout):
                chosen = list(choose())
            for run in chosen:
                run.state = DagRunState.RUNNING
                run.start_date = clock.now()
                run.notify_dagrun_state_changed(msg="started")
        except Exception:
            log.exception("gate", decision="waits", reason="cannot start the next run in the queue")
        finally:
            self._starting = False

    def _publish(self, session: Session, connection: Connection, run: DagRun, decision: Decision) -> None:
        if decision.outcome == "started":
            self._reported.pop(run.id, None)
            run_end.clear(connection, run.id)
            parallelism.start(connection, run)
            now: datetime = clock.now()
            metrics.started(run.dag_id, now - max(run.queued_at or now, run.run_after))
            if decision.noted:
                run_notes.clear(connection, run.id)
        elif decision.outcome == "waits":
            if not self._is_new(run.id, decision.reason):
                return
            _to_the_back(session, connection, run.dag_id)
            if decision.reason != BUSY:
                run_notes.put(connection, run.id, f"{run_notes.WAITING} {decision.reason}")
        queued = decision.queued if decision.queued is not None else len(ordering.of_job(connection, run.dag_id))
        log.info(
            "run started" if decision.outcome == "started" else "gate",
            job=run.dag_id,
            run=run.run_id,
            decision=decision.outcome,
            reason=decision.reason,
            running=decision.running,
            queued=queued,
        )

    def _failed(self, session: Session, run: DagRun, error: Exception) -> None:
        first_line = str(error).partition("\n")[0]  # the other lines of a database error are SQL
        reason = f"the gate failed and will retry: {type(error).__name__}: {first_line}"
        if not self._is_new(run.id, reason):
            return
        log.error("gate", job=run.dag_id, run=run.run_id, decision="waits", reason=reason, exc_info=error)
        try:
            with savepoint(session, self._settings.lock_timeout if self._settings else 0.5) as connection:
                run_notes.put(connection, run.id, f"{run_notes.WAITING} {reason}")
        except Exception:
            log.exception("gate", job=run.dag_id, run=run.run_id, decision="waits", reason="cannot write its note")

    def _is_new(self, run: int, reason: str) -> bool:
        """Return whether the reason was not reported for this run within the last ``REPEAT_S`` seconds."""
        entry = f"{reason} {time.monotonic() // REPEAT_S}"
        if self._reported.get(run) == entry:
            return False
        self._reported[run] = entry
        self._reported.move_to_end(run)
        if len(self._reported) > REMEMBERED:
            self._reported.popitem(last=False)
        return True


def _choose(session: Session, connection: Connection, run: DagRun, marker: Marker) -> Decision:
    """Decide for a free slot: end runs that may not start any more, and check whether ``run`` is the next one."""
    queue = ordering.of_job(connection, run.dag_id)
    now = clock.now()
    wrong = ordering.endings(queue, marker, now)
    if wrong:
        end_unstarted(session, connection, wrong)
    able = ordering.sort((one for one in queue if one.id not in wrong), marker)
    first = able[0] if able else None
    if run.id in wrong:
        return Decision("ended", wrong[run.id].note, queued=len(able), next=first.id if first else None)
    if first is None or run.id not in {one.id for one in able}:
        return Decision("waits", "no longer in the queue", queued=len(able))
    if first.id == run.id:
        return Decision("started", "next in the queue", 1, len(able) - 1, noted=first.note is not None)
    return Decision("waits", f"{first.run_id} is next in the queue", queued=len(able), next=first.id)


def _first(session: Session, run: DagRun, number: int) -> list[DagRun]:
    """Lock and return the next run in the queue, which Airflow might not examine for a long time."""
    first = lock_queued(session, number)
    if first is None:
        return []
    first.dag = run.dag
    return [first]


def _to_the_back(session: Session, connection: Connection, dag_id: str) -> None:
    """Let Airflow examine other jobs' runs first: it takes a few queued runs per loop, and these cannot start."""
    fresh = select(DagRun.id).where(
        DagRun.dag_id == dag_id, DagRun.state == DagRunState.QUEUED, DagRun.last_scheduling_decision.is_(None)
    )
    numbers = [row[0] for row in connection.execute(skip_locked(fresh.limit(1000), session, DagRun))]
    if numbers:
        stamped = update(DagRun).where(DagRun.id.in_(numbers)).values(last_scheduling_decision=clock.now())
        connection.execute(stamped)
