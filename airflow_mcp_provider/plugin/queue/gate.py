"""The gate: may this queued run start now? One active run a job, however many schedulers there are.

Called by Airflow's scheduler for every run that it is about to start, inside its transaction and before it commits
(see ``listener``, which has put it back to QUEUED by then). Only a decision lifts it: whatever goes wrong here, nothing
starts unguarded. Two schedulers exclude each other by the lock of the job's ``DagModel`` row; it is taken
with SKIP LOCKED, as every lock of ours, so nobody ever waits in a circle.
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
from airflow_mcp_provider.plugin.db import clock, run_notes
from airflow_mcp_provider.plugin.db.locks import free, guarded
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState
from airflow_mcp_provider.plugin.queue import ordering, slot
from airflow_mcp_provider.plugin.queue.airflow_internals import lock_job, lock_queued
from airflow_mcp_provider.plugin.queue.starved import overlooked
from airflow_mcp_provider.plugin.queue.termination import end_unstarted
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.spec.marker import Marker

REPEAT_S = 300
"""A run that waits for the same reason is logged again after this time, and not in every loop of the scheduler."""
REMEMBERED = 10_000
BUSY = "the job's row is locked: somebody else decides about the job, or the DAG processor writes it"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Decision:
    """``outcome``: started, waits or ended; ``next``: the number of the run that should start in its place.

    ``noted``: the run has a note, perhaps one of ours.
    """

    outcome: str
    reason: str
    running: int = 0
    queued: int | None = None
    next: int | None = None
    noted: bool = False


class Gate:
    """Decides for one scheduler; ``settings`` None: they are wrong, and nothing starts."""

    def __init__(self, settings: GateSettings | None) -> None:
        self._settings = settings
        self._told: OrderedDict[int, str] = OrderedDict()
        self._starting = False
        self._next_look = 0.0

    def admit(self, dag_run: DagRun, started: datetime | None) -> None:
        """Decide on a run that was to start and is held in the queue; ``started``: the start that Airflow noted."""
        session = object_session(dag_run)
        if session is None:
            raise RuntimeError(f"{dag_run.dag_id} {dag_run.run_id} belongs to no session")
        try:
            decision = self._decide(session, dag_run)
        except Exception as error:  # noqa: BLE001 - the run stays queued, whatever it was
            self._failed(session, dag_run, error)
        else:
            self._carry_out(session, dag_run, decision, started)

    def _decide(self, session: Session, dag_run: DagRun) -> Decision:
        if self._settings is None:
            raise InstallationError("settings in [mcp] are wrong, the log of the scheduler's start says which")
        marker = Marker.read(dag_run.dag.default_args[MARKER_KEY]) if dag_run.dag else Marker()
        with guarded(session, self._settings.lock_timeout) as connection:
            decision = self._judge(session, connection, dag_run, marker)
            self._tell(session, connection, dag_run, decision)
        return decision

    def _judge(self, session: Session, connection: Connection, run: DagRun, marker: Marker) -> Decision:
        if not lock_job(session, connection, run.dag_id):
            return Decision("waits", BUSY)
        grace = timedelta(seconds=self._settings.end_grace if self._settings else 0)
        held = slot.look(connection, run, grace)
        if held.reason:
            return Decision("waits", held.reason, held.running)
        return _choose(session, connection, run, marker)

    def _carry_out(self, session: Session, run: DagRun, decision: Decision, started: datetime | None) -> None:
        if decision.outcome == "started":
            run.state = DagRunState.RUNNING
            run.start_date = started
            run.last_scheduling_decision = None  # its tasks are looked at first, as those of any run that starts
            return
        if decision.outcome == "ended":
            session.refresh(run)
        if decision.next is not None:
            self._start(session, partial(_first, session, run, decision.next))
        elif decision.running:
            self._start_overlooked(session)

    def _start_overlooked(self, session: Session) -> None:
        """Airflow spent its look on a run that cannot start: now and then, start what it passes over for that."""
        if self._settings is not None and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + self._settings.look_interval
            self._start(session, partial(overlooked, session))

    def _start(self, session: Session, choose: Callable[[], Iterable[DagRun]]) -> None:
        """Start runs that the scheduler did not choose itself, as it would: each comes to ``admit`` on its way."""
        if self._starting or self._settings is None:
            return
        self._starting = True
        try:
            with guarded(session, self._settings.lock_timeout):
                chosen = list(choose())
            for run in chosen:
                run.state = DagRunState.RUNNING
                run.start_date = clock.now()
                run.notify_dagrun_state_changed(msg="started")
        except Exception:
            log.exception("gate", decision="waits", reason="the run that goes first could not be started")
        finally:
            self._starting = False

    def _tell(self, session: Session, connection: Connection, run: DagRun, decision: Decision) -> None:
        if decision.outcome == "started":
            self._told.pop(run.id, None)
            if decision.noted:
                run_notes.clear(connection, run.id)
        elif decision.outcome == "waits":
            if not self._news(run.id, decision.reason):
                return
            _to_the_back(session, connection, run.dag_id)
            if decision.reason != BUSY:
                run_notes.put(connection, run.id, f"{run_notes.WAITING} {decision.reason}")
        queued = decision.queued if decision.queued is not None else len(ordering.of_job(connection, run.dag_id))
        log.info(
            "gate",
            job=run.dag_id,
            run=run.run_id,
            decision=decision.outcome,
            reason=decision.reason,
            running=decision.running,
            queued=queued,
        )

    def _failed(self, session: Session, run: DagRun, error: Exception) -> None:
        first_line = str(error).partition("\n")[0]  # what follows of a database's error is SQL
        reason = f"the gate failed and tries again: {type(error).__name__}: {first_line}"
        if not self._news(run.id, reason):
            return
        log.error("gate", job=run.dag_id, run=run.run_id, decision="waits", reason=reason, exc_info=error)
        try:
            with guarded(session, self._settings.lock_timeout if self._settings else 0.5) as connection:
                run_notes.put(connection, run.id, f"{run_notes.WAITING} {reason}")
        except Exception:
            log.exception("gate", job=run.dag_id, run=run.run_id, decision="waits", reason="its note cannot be written")

    def _news(self, run: int, reason: str) -> bool:
        """Whether this was not told of the run lately."""
        told = f"{reason} {time.monotonic() // REPEAT_S}"
        if self._told.get(run) == told:
            return False
        self._told[run] = told
        self._told.move_to_end(run)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True


def _choose(session: Session, connection: Connection, run: DagRun, marker: Marker) -> Decision:
    """Choose for a slot that is free: end what may not start any more, and see whether ``run`` goes first."""
    queue = ordering.of_job(connection, run.dag_id)
    now = clock.now()
    wrong = {one.id: reason for one in queue if (reason := one.wrong(marker, now))}
    if wrong:
        end_unstarted(session, connection, wrong)
    able = ordering.sort((one for one in queue if one.id not in wrong), marker)
    first = able[0] if able else None
    if run.id in wrong:
        return Decision("ended", wrong[run.id], queued=len(able), next=first.id if first else None)
    if first is None or run.id not in {one.id for one in able}:
        return Decision("waits", "it is not in the queue any more", queued=len(able))
    if first.id == run.id:
        return Decision("started", "it goes first", 1, len(able) - 1, noted=first.note is not None)
    return Decision("waits", f"{first.run_id} goes first", queued=len(able), next=first.id)


def _first(session: Session, run: DagRun, number: int) -> list[DagRun]:
    """Take the run that goes first in the place of ``run``: Airflow might not come to it for long."""
    first = lock_queued(session, number)
    if first is None:
        return []
    first.dag = run.dag
    return [first]


def _to_the_back(session: Session, connection: Connection, dag_id: str) -> None:
    """Let Airflow look at other jobs' runs first: it takes a few queued runs a loop, and these cannot start."""
    fresh = select(DagRun.id).where(
        DagRun.dag_id == dag_id, DagRun.state == DagRunState.QUEUED, DagRun.last_scheduling_decision.is_(None)
    )
    numbers = [row[0] for row in connection.execute(free(fresh.limit(1000), session, DagRun))]
    if numbers:
        stamped = update(DagRun).where(DagRun.id.in_(numbers)).values(last_scheduling_decision=clock.now())
        connection.execute(stamped)
