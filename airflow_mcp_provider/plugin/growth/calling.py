"""Jobs as subtasks: a subtask that is a run of another job.

Runs in the API server, in the transaction of the subtask's question. The first question makes the run, which waits in
its job's queue as any run; further ones look how far it is. A runner asks and goes: nobody waits in a process. Which
run a subtask has stands in its own state store, and in the run's who wants it (see ``callers``).
A try after a lost runner finds the run that is there; one after a failed run makes a new one.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, SpecError, TryAgain
from airflow_mcp_provider.plugin import store
from airflow_mcp_provider.plugin.growth.seam import report_of, start_run
from airflow_mcp_provider.plugin.queue.callers import CALLER, markers
from airflow_mcp_provider.plugin.store import PLAN, RunRef
from airflow_mcp_provider.plugin.tables import DagRun, DagRunState, TaskInstance, TaskScope
from airflow_mcp_provider.runtime import wire

ACTIVE = (DagRunState.QUEUED, DagRunState.RUNNING)


def call(session: Session, scope: TaskScope, run: RunRef, body: dict[str, Any]) -> dict[str, Any]:
    """Return how far the subtask's run of ``body["job"]`` is; makes it when there is none.

    Raises SpecError where ``check`` does; InvalidPayload when that job refuses its conf.
    """
    attempt = _attempt(session, scope)
    called = store.read(session, run, scope.task_id, scope.map_index, wire.CALLED)
    state = called and _state(session, called)
    if called is None or (called["attempt"] != attempt and state not in ACTIVE):
        called = {"job": body["job"], "run": _name(scope, attempt), "at": datetime.now(UTC).isoformat()}
        _start(session, scope, run, called, body["conf"])
        state = DagRunState.QUEUED
    if called.get("attempt") != attempt:
        called = {**called, "attempt": attempt}
        store.write(session, run, scope.task_id, scope.map_index, wire.CALLED, called)
    waited = (datetime.now(UTC) - datetime.fromisoformat(called["at"])).total_seconds()
    told = {"new": 0, "run": called["run"], "state": str(state), "waited": waited}
    return told if state in ACTIVE else {**told, "report": report_of(session, called["job"], called["run"])}


def _start(session: Session, scope: TaskScope, run: RunRef, called: dict[str, Any], conf: dict[str, Any]) -> None:
    job, run_id = called["job"], called["run"]
    check(session, scope.dag_id, job)
    try:
        number = start_run(session, job, run_id, conf)
    except ValueError as error:
        raise InvalidPayload(f"the job {job} does not take this conf: {error}") from None
    caller = {"run": run.id, "task_id": scope.task_id, "map_index": scope.map_index}
    store.write(session, RunRef(number, job, run_id), PLAN, -1, CALLER, caller)


def check(session: Session, own: str, job: str) -> None:
    """Raise SpecError unless a subtask of ``own`` may be a run of ``job``.

    Its spec must say so, which any client with a subtask's token can reach past; and a circle would wait for itself.
    """
    named = [callee for marker in markers(session, [own]).values() for callee in marker.calls]
    if job not in named:
        raise SpecError(
            f"{own} may not run the job {job!r}: its subtasks.jobs has {', '.join(named) or 'none'}; add it there"
        )
    if not markers(session, [job]):
        raise SpecError(f"there is no job {job!r} in this Airflow, or it has import errors")
    ways = {job: f"{own} -> {job}"}
    new = [job]
    while new and own not in ways:
        found = markers(session, new)
        calls = [(callee, name) for name in found for callee in found[name].calls if callee not in ways]
        ways |= {callee: f"{ways[name]} -> {callee}" for callee, name in calls}
        new = [callee for callee, _ in calls]
    if own in ways:
        raise SpecError(f"a circle of jobs would wait for itself: {ways[own]}")


def _attempt(session: Session, scope: TaskScope) -> int:
    query = select(TaskInstance.try_number).filter_by(
        dag_id=scope.dag_id, run_id=scope.run_id, task_id=scope.task_id, map_index=scope.map_index
    )
    attempt: int | None = session.scalar(query)
    if attempt is None:
        raise TryAgain("the subtask is gone")
    return attempt


def _state(session: Session, called: dict[str, Any]) -> str | None:
    """None: the run was deleted."""
    return session.scalar(select(DagRun.state).filter_by(dag_id=called["job"], run_id=called["run"]))


def _name(scope: TaskScope, attempt: int) -> str:
    """Tell whose it is, within the 250 characters of a run's id; the same for the same attempt."""
    whole = f"{scope.dag_id} {scope.run_id} {scope.task_id} {scope.map_index} {attempt}"
    return f"subtask__{scope.dag_id[:100]}__{hashlib.sha256(whole.encode()).hexdigest()[:16]}"
