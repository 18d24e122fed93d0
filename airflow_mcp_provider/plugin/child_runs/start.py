"""Start child runs: a subtask that is a run of another job.

Runs in the API server, in the transaction of the subtask's request. The first request creates the run, which waits in
the queue of its job like any run; later requests return its state. No process waits: the runner ends between two
requests. The run of a subtask is in the task state store of the subtask, and the subtask of a run in that of the run
(see ``cancel_abandoned``). A retry after a lost runner finds the existing run; a retry after a failed run creates a
new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, InvalidRow, SpecError, TryAgain
from airflow_mcp_provider.plugin.admission import facts, rules
from airflow_mcp_provider.plugin.admission.admit import admit
from airflow_mcp_provider.plugin.admission.airflow_internals import declared
from airflow_mcp_provider.plugin.admission.refusal import Refusal, RunRefused
from airflow_mcp_provider.plugin.admission.rules import Submitted
from airflow_mcp_provider.plugin.child_runs.airflow_internals import declared_params, report_of, start_run
from airflow_mcp_provider.plugin.child_runs.cancel_abandoned import RUN_ID_PREFIX
from airflow_mcp_provider.plugin.db import clock, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.job_markers import markers
from airflow_mcp_provider.plugin.db.rows import Called, Caller
from airflow_mcp_provider.plugin.db.state_store import PLAN
from airflow_mcp_provider.plugin.db.states import RUN_ACTIVE
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, TaskInstance, TaskScope
from airflow_mcp_provider.runtime import redaction, size_limits, store_keys
from airflow_mcp_provider.runtime.answer_types import ChildRun
from airflow_mcp_provider.runtime.payload import json_text
from airflow_mcp_provider.runtime.request_types import CallJob
from airflow_mcp_provider.spec.marker import PRIORITY

SAMPLED = "-01"
"""The end of the W3C traceparent of a span that is sent."""
PAUSES = 4
"""A runner pauses for a quarter of the time that its run has waited (operators.child_run)."""


def call(session: Session, scope: TaskScope, run: RunRef, request: CallJob) -> ChildRun:
    """Return the state of the subtask's run of the job; creates the run when there is none.

    Raises SpecError like ``check``, InvalidPayload for an invalid conf.
    """
    attempt = _attempt(session, scope)
    called = _read(session, scope, run)
    state, trace = (None, None) if called is None else _state(session, called)
    if called is None or (called.attempt != attempt and state not in RUN_ACTIVE):
        called = Called(request.job, _name(scope, attempt), clock.now().isoformat())
        try:
            with session.begin_nested():
                _start(session, scope, run, called, request)
        except RunRefused as error:
            return _later(called, error.refusal)
        state, trace = DagRunState.QUEUED, None
    if called.attempt != attempt:
        called = replace(called, attempt=attempt)
        state_store.write(session, run, scope.task_id, scope.map_index, store_keys.CALLED, asdict(called))
    now = clock.now()
    waited = (now - (clock.parsed(called.at) or now)).total_seconds()
    report = None if state in RUN_ACTIVE else report_of(session, called.job, called.run)
    return ChildRun(called.run, str(state), waited, report, trace)


def _later(called: Called, refusal: Refusal) -> ChildRun:
    """Let the subtask ask again as late as the refusal says: a full queue is not a failure of the subtask."""
    seconds = refusal.retry_after or rules.SOON
    return ChildRun(called.run, str(DagRunState.QUEUED), PAUSES * seconds, None)


def _read(session: Session, scope: TaskScope, run: RunRef) -> Called | None:
    """Return the run of this subtask; raises InvalidRow if it was created for another subtask."""
    found = state_store.read(session, run, scope.task_id, scope.map_index, store_keys.CALLED)
    if found is None:
        return None
    called = Called.of(found)
    query = select(DagRun.id).filter_by(dag_id=called.job, run_id=called.run)
    number = session.scalar(query)
    if number is not None and not _is_mine(session, RunRef(number, called.job, called.run), scope, run):
        raise InvalidRow(
            f"invalid run {redaction.shown(called.run)} in the row {store_keys.CALLED}; "
            "expected a run that was created for this subtask"
        )
    return called


def _is_mine(session: Session, called: RunRef, scope: TaskScope, run: RunRef) -> bool:
    caller = Caller.of(state_store.read(session, called, PLAN, -1, store_keys.CALLER))
    return caller == Caller(run.id, scope.task_id, scope.map_index)


def _conf(request: CallJob, params: Collection[str]) -> dict[str, Any]:
    """Return the run's conf: the payload, and those results of the steps before that params of the job declare.

    Raises InvalidPayload for a field of the payload that no param declares, and for what is too large.
    """
    json_text(request.conf, "conf", size_limits.BATCH_BYTES)
    json_text(request.results, "results", size_limits.BATCH_BYTES)
    if unknown := sorted(request.conf.keys() - params - {PRIORITY}):
        raise InvalidPayload(
            f"unknown param {', '.join(map(repr, unknown))[:400]} of the job {request.job}; "
            f"expected {', '.join(sorted(params))[:1000] or 'none'}"
        )
    return {**request.conf, **{name: result for name, result in request.results.items() if name in params}}


def _start(session: Session, scope: TaskScope, run: RunRef, called: Called, request: CallJob) -> None:
    job, run_id = called.job, called.run
    check(session, scope.dag_id, job)
    conf = _conf(request, declared_params(session, job))
    user = session.scalar(select(DagRun.triggering_user_name).where(DagRun.id == run.id))
    _refuse_early(session, Submitted(job, run_id, user, conf))
    try:
        number = start_run(session, job, run_id, conf, user)
    except ValueError as error:
        raise InvalidPayload(f"invalid conf of the job {job}: {error}") from None
    # Now, not at the commit: a refusal there would undo the requests of other runners in the same transaction.
    admit(session, [session.get_one(DagRun, number)], wait=False)
    caller = Caller(run.id, scope.task_id, scope.map_index)
    state_store.write(session, RunRef(number, job, run_id), PLAN, -1, store_keys.CALLER, asdict(caller))


def _refuse_early(session: Session, new: Submitted) -> None:
    """Raise RunRefused for a run that the rules refuse now: a subtask that waits asks again and again.

    Without the work to create it, without a lock, and without a line in the log, as the subtask only waits. What passes
    is held against all rules again.
    """
    marker = markers(session, [new.job]).get(new.job)
    if marker is None or not (wanted := marker.submit).limits_submits:
        return
    defaults = declared(session, new.job) if wanted.unique else {}
    if refusal := rules.refuse(new, wanted, defaults, facts.read(session, [new], wanted)):
        raise RunRefused(refusal)


def check(session: Session, own: str, job: str) -> None:
    """Raise SpecError unless a subtask of the job ``own`` may be a run of ``job``.

    The spec of ``own`` must list ``job``; this is checked here because a client with a subtask's token can send any
    name. Circular jobs are an error, because a run would wait for itself.
    """
    named = [callee for marker in markers(session, [own]).values() for callee in marker.calls]
    if job not in named:
        raise SpecError(
            f"job {job!r} not allowed in {own}; expected one of its subtasks.jobs: {', '.join(named) or 'none'}"
        )
    if not markers(session, [job]):
        raise SpecError(f"unknown job {job!r}: it does not exist in this Airflow, or it has import errors")
    ways = {job: f"{own} -> {job}"}
    new = [job]
    while new and own not in ways:
        found = markers(session, new)
        calls = [(callee, name) for name in found for callee in found[name].calls if callee not in ways]
        ways |= {callee: f"{ways[name]} -> {callee}" for callee, name in calls}
        new = [callee for callee, _ in calls]
    if own in ways:
        raise SpecError(f"circular call of jobs, a run would wait for itself: {ways[own]}")


def _attempt(session: Session, scope: TaskScope) -> int:
    query = select(TaskInstance.try_number).filter_by(
        dag_id=scope.dag_id, run_id=scope.run_id, task_id=scope.task_id, map_index=scope.map_index
    )
    attempt: int | None = session.scalar(query)
    if attempt is None:
        raise TryAgain("the task instance of the subtask does not exist any more")
    return attempt


def _state(session: Session, called: Called) -> tuple[str | None, str | None]:
    """Return the state of the run, None if it was deleted; and its span, None where it is not sampled."""
    query = select(DagRun.state, DagRun.context_carrier).filter_by(dag_id=called.job, run_id=called.run)
    state, carrier = session.execute(query).one_or_none() or (None, None)
    trace = (carrier or {}).get("traceparent", "")
    return state, trace if trace.endswith(SAMPLED) else None


def _name(scope: TaskScope, attempt: int) -> str:
    """Return a run_id for the subtask's attempt, of at most 250 characters; always the same for one attempt."""
    whole = f"{scope.dag_id} {scope.run_id} {scope.task_id} {scope.map_index} {attempt}"
    return f"{RUN_ID_PREFIX}{scope.dag_id[:100]}__{hashlib.sha256(whole.encode()).hexdigest()[:16]}"
