"""Jobs as subtasks: a subtask that is a run of another job.

Runs in the API server, in the transaction of the subtask's request. The first request makes the run, which waits in
its job's queue as any run; further ones look how far it is. A runner asks and goes: nobody waits in a process. Which
run a subtask has stands in its own state store, and in the run's who wants it (see ``cancel_abandoned``).
A try after a lost runner finds the run that is there; one after a failed run makes a new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, InvalidRow, SpecError, TryAgain
from airflow_mcp_provider.plugin.child_runs.airflow_internals import declared_params, report_of, start_run
from airflow_mcp_provider.plugin.child_runs.cancel_abandoned import MADE
from airflow_mcp_provider.plugin.db import clock, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.job_markers import markers
from airflow_mcp_provider.plugin.db.rows import Called, Caller
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.states import RUN_ACTIVE
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, TaskInstance, TaskScope
from airflow_mcp_provider.runtime import protocol, redaction, size_limits
from airflow_mcp_provider.runtime.answers import ChildRun
from airflow_mcp_provider.runtime.payload import json_text
from airflow_mcp_provider.runtime.requests import CallJob
from airflow_mcp_provider.spec.marker import PRIORITY


def call(session: Session, scope: TaskScope, run: RunRef, request: CallJob) -> ChildRun:
    """Return the state of the subtask's run of the job; creates the run when there is none.

    Raises SpecError where ``check`` does; InvalidPayload when that job refuses its conf.
    """
    attempt = _attempt(session, scope)
    called = _read(session, scope, run)
    state = None if called is None else _state(session, called)
    if called is None or (called.attempt != attempt and state not in RUN_ACTIVE):
        called = Called(request.job, _name(scope, attempt), clock.now().isoformat())
        _start(session, scope, run, called, request)
        state = DagRunState.QUEUED
    if called.attempt != attempt:
        called = replace(called, attempt=attempt)
        state_store.write(session, run, scope.task_id, scope.map_index, protocol.CALLED, asdict(called))
    now = clock.now()
    waited = (now - (clock.parsed(called.at) or now)).total_seconds()
    report = None if state in RUN_ACTIVE else report_of(session, called.job, called.run)
    return ChildRun(called.run, str(state), waited, report)


def _read(session: Session, scope: TaskScope, run: RunRef) -> Called | None:
    """Return the run that this subtask has; raises InvalidRow where that was made for another."""
    found = state_store.read(session, run, scope.task_id, scope.map_index, protocol.CALLED)
    if found is None:
        return None
    called = Called.of(found)
    query = select(DagRun.id).filter_by(dag_id=called.job, run_id=called.run)
    number = session.scalar(query)
    if number is not None and not _is_mine(session, RunRef(number, called.job, called.run), scope, run):
        raise InvalidRow(
            f"the row {protocol.CALLED} names the run {redaction.shown(called.run)}, "
            "which was not made for this subtask"
        )
    return called


def _is_mine(session: Session, called: RunRef, scope: TaskScope, run: RunRef) -> bool:
    caller = Caller.of(state_store.read(session, called, PLAN, -1, protocol.CALLER))
    return caller == Caller(run.id, scope.task_id, scope.map_index)


def _conf(request: CallJob, params: Collection[str]) -> dict[str, Any]:
    """Return the run's conf: the payload, and those results of the steps before that params of the job declare.

    Raises InvalidPayload for a field of the payload that no param declares, and for what is too large.
    """
    json_text(request.conf, "conf", size_limits.BATCH_BYTES)
    json_text(request.results, "results", size_limits.BATCH_BYTES)
    if unknown := sorted(request.conf.keys() - params - {PRIORITY}):
        raise InvalidPayload(
            f"unknown params {', '.join(map(repr, unknown))[:400]} of the job {request.job}; "
            f"expected: {', '.join(sorted(params))[:1000] or 'none'}"
        )
    return {**request.conf, **{name: result for name, result in request.results.items() if name in params}}


def _start(session: Session, scope: TaskScope, run: RunRef, called: Called, request: CallJob) -> None:
    job, run_id = called.job, called.run
    check(session, scope.dag_id, job)
    conf = _conf(request, declared_params(session, job))
    try:
        number = start_run(session, job, run_id, conf, run.id)
    except ValueError as error:
        raise InvalidPayload(f"invalid conf of the job {job}: {error}") from None
    caller = Caller(run.id, scope.task_id, scope.map_index)
    state_store.write(session, RunRef(number, job, run_id), PLAN, -1, protocol.CALLER, asdict(caller))


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
        raise SpecError(f"unknown job {job!r}; expected a job of this Airflow without import errors")
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


def _state(session: Session, called: Called) -> str | None:
    """None: the run was deleted."""
    return session.scalar(select(DagRun.state).filter_by(dag_id=called.job, run_id=called.run))


def _name(scope: TaskScope, attempt: int) -> str:
    """Tell whose it is, within the 250 characters of a run's id; the same for the same attempt."""
    whole = f"{scope.dag_id} {scope.run_id} {scope.task_id} {scope.map_index} {attempt}"
    return f"{MADE}{scope.dag_id[:100]}__{hashlib.sha256(whole.encode()).hexdigest()[:16]}"
