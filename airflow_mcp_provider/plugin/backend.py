"""Airflow's state store, with ears: where runners' questions are answered, inside the Execution API's transaction.

``[state_store] backend`` is an extension point of Airflow 3.3; ``plugin.setup`` puts this class there. Anything that is
not a question of ours is stored and read as Airflow does. What it writes for a question commits together with it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from airflow.utils.session import NEW_SESSION, provide_session
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import McpError, TryAgain
from airflow_mcp_provider.plugin import notes, store
from airflow_mcp_provider.plugin.growth import instances, outcomes
from airflow_mcp_provider.plugin.growth.calling import call
from airflow_mcp_provider.plugin.growth.handing_on import Place, hand_on, is_done
from airflow_mcp_provider.plugin.growth.reserve import begin, planned, reserve
from airflow_mcp_provider.plugin.growth.reserved import Reserved
from airflow_mcp_provider.plugin.growth.seam import MetastoreBackend, refusal
from airflow_mcp_provider.plugin.growth.settler import Settler
from airflow_mcp_provider.plugin.growth.taking import Runner, Taking, go_on
from airflow_mcp_provider.plugin.store import PLAN, REPORT, RunRef
from airflow_mcp_provider.plugin.tables import TaskScope
from airflow_mcp_provider.runtime import wire
from airflow_mcp_provider.spec import Tolerate

MIN_ENDED = 20
"""A percentage tolerated is judged early only when this many subtasks are known: one of three is no third of a job."""

UNFINISHED = "subtasks of the steps before this one have not ended"
QUESTIONS = (wire.ENQUEUE, wire.DONE, wire.NEXT, wire.GO_ON, wire.CALL, wire.CONFIRM)

log = structlog.get_logger(__name__)


class GrowthBackend(MetastoreBackend):
    """``[state_store] backend = airflow_mcp_provider.plugin.backend.GrowthBackend``."""

    def __init__(self) -> None:
        super().__init__()
        self._settler = Settler()

    @provide_session
    def set(
        self,
        scope: Any,  # noqa: ANN401 - Airflow's union of scopes
        key: str,
        value: str,
        *,
        expires_at: datetime | None = None,
        session: Session | None = NEW_SESSION,
    ) -> None:
        """Store a value, or answer the question that ``key`` is."""
        assert session is not None  # noqa: S101 - provide_session gives one
        ours = isinstance(scope, TaskScope) and key.startswith("mcp.")
        failure = _failure(value) if ours and key == wire.OUTCOME else None
        if ours and key in QUESTIONS and _is_question(body := json.loads(value)):
            self._answer(scope, key, body, session)
        elif ours and key == wire.VERDICT and scope.task_id == REPORT:
            notes.put(session.connection(), RunRef.of(session, scope).id, json.loads(value)["note"])
        elif not failure or not _was_done(session, scope):
            super().set(scope, key, value, expires_at=expires_at, session=session)
            if failure and failure.get("final"):
                self._judge(session, RunRef.of(session, scope))

    @provide_session
    def get(self, scope: Any, key: str, *, session: Session | None = NEW_SESSION) -> str | None:  # noqa: ANN401
        """Read a value, or a page of the run's outcomes; a subtask that starts also sees whether it still may."""
        assert session is not None  # noqa: S101 - provide_session gives one
        ours = isinstance(scope, TaskScope) and key.startswith("mcp.")
        if ours and key.startswith(wire.OUTCOMES):
            return json.dumps(outcomes.page(session, RunRef.of(session, scope), key.removeprefix(wire.OUTCOMES)))
        value: str | None = super().get(scope, key, session=session)
        if ours and key == wire.ITEM and value is not None:
            return self._starting(session, scope, value) or value
        return value

    def _answer(self, scope: TaskScope, key: str, body: dict[str, Any], session: Session) -> None:
        if key == wire.GO_ON:
            _go_on(session, scope, body)
            return
        run = RunRef.of(session, scope)
        state = Reserved.locked(session, run)
        previous = store.read(session, run, scope.task_id, scope.map_index, wire.ANSWER)
        if previous is not None and _is_heard(body["call"], previous["call"]):
            return  # the same request again, or a late one: what it did stands, and nobody waits for its answer
        try:
            with session.begin_nested():
                answer = _confirm(session, run) if key == wire.CONFIRM else self._grow(session, scope, run, state, body)
        except McpError as error:
            answer = {"refused": {"type": type(error).__name__, "message": str(error)}}
        store.write(session, run, scope.task_id, scope.map_index, wire.ANSWER, {**answer, "call": body["call"]})

    def _grow(
        self, session: Session, scope: TaskScope, run: RunRef, state: Reserved | None, body: dict[str, Any]
    ) -> dict[str, Any]:
        state, answer = self._grown(session, scope, run, state, body)
        if answer["new"] and scope.map_index >= 0 and not instances.settle(session, run, wait=False, state=state):
            self._settler.after_commit(session, run)
        return answer

    def _grown(
        self, session: Session, scope: TaskScope, run: RunRef, state: Reserved | None, body: dict[str, Any]
    ) -> tuple[Reserved | None, dict[str, Any]]:
        runner = Runner.of(session, scope)
        if "tries" in body:
            return self._next(session, runner, planned(state), body)
        if scope.task_id == PLAN and "begin" in body:
            state = begin(session, run, body["begin"])
        if "job" in body:
            return state, call(session, scope, run, body)
        if "outcome" in body:
            return hand_on(session, run, state, Place(runner.step, runner.index, runner.life), body["outcome"])
        return reserve(session, run, state, scope.task_id, body)

    def _next(
        self, session: Session, runner: Runner, state: Reserved, body: dict[str, Any]
    ) -> tuple[Reserved, dict[str, Any]]:
        """A runner of a batch asks for its next subtask."""
        taking = Taking(session, runner, state.step(runner.step), body)
        state, told = taking.deliver(state)
        if told["failed"]:
            self._judge(session, runner.run)
            state = Reserved.read(session, runner.run) or state
        if state.halted(runner.clear_number):
            return state, {**told, "stopped": state.stopped, "label": taking.label()}
        if not body.get("ended") and (waits := self._waits(session, runner, state)):
            return state, {**told, "waits": waits, "label": taking.label()}
        state, given = taking.take(state)
        return state, {**told, **given}

    def _waits(self, session: Session, runner: Runner, state: Reserved) -> str | None:
        """Why a runner that begins may not, yet."""
        lag = instances.look(session, runner.run)
        if lag is not None and lag.behind:
            self._settler.after_commit(session, runner.run)
        waits = state.step(runner.step).wait and outcomes.unfinished(session, runner.run, state, runner.step)
        return f"{waits} {UNFINISHED}" if waits else None

    def _starting(self, session: Session, scope: TaskScope, value: str) -> str | None:
        run = RunRef.of(session, scope)
        lag = instances.look(session, run)
        if lag is None:
            return None
        if is_done(session, scope, item := json.loads(value)):
            return json.dumps({**item, "done": True})
        if lag.state.halted(lag.clear_number):
            return json.dumps({**item, "stopped": lag.state.stopped})
        waits = lag.state.step(scope.task_id).wait and outcomes.unfinished(session, run, lag.state, scope.task_id)
        if lag.behind:
            self._settler.request(run)
        told = f"{waits} {UNFINISHED}"
        return json.dumps({**item, "waits": told}) if waits else None

    def _judge(self, session: Session, run: RunRef) -> None:
        """A subtask failed for good: stop the run when that is more than its job tolerates."""
        Reserved.locked(session, run)
        lag = instances.look(session, run)
        if lag is None or lag.state.halted(lag.clear_number):
            return
        tolerate = Tolerate.of(lag.state.tolerate)
        failed = lag.failed + outcomes.failing(session, run, lag.state)
        known = lag.state.subtasks
        if tolerate.allows(failed, known) or (tolerate.percent is not None and known < MIN_ENDED):
            return
        reason = f"{failed} of {known} known subtasks failed, tolerated are {tolerate}: no further one is started"
        log.warning("run stopped", job=run.dag_id, run=run.run_id, reason=reason)
        replace(lag.state, stopped=reason, stopped_at=lag.clear_number).write(session, run)
        self._settler.after_commit(session, run)


def _failure(value: str) -> dict[str, Any] | None:
    outcome = json.loads(value)
    return outcome if isinstance(outcome, dict) and "error" in outcome else None


def _was_done(session: Session, scope: TaskScope) -> bool:
    """Whether a subtask that says it failed was handed on before: then its outcome stands."""
    run = RunRef.of(session, scope)
    return is_done(session, scope, store.read(session, run, scope.task_id, scope.map_index, wire.ITEM))


def _is_question(body: object) -> bool:
    """Anything else under our keys is somebody else's value, and is stored as such."""
    return isinstance(body, dict) and isinstance(body.get("call"), str)


def _go_on(session: Session, scope: TaskScope, asked: dict[str, Any]) -> None:
    try:
        goes_on = go_on(session, scope, asked)
    except McpError:
        goes_on = False
    if not goes_on:
        raise refusal("that subtask is not the next one of this runner: it asks which is")


def _is_heard(call: str, latest: str) -> bool:
    """Whether a question is not after the latest one of its runner: they are numbered (``Link``)."""
    runner, _, number = call.rpartition(".")
    same, _, last = latest.rpartition(".")
    return call == latest or (runner == same and number.isdigit() and last.isdigit() and int(number) < int(last))


def _confirm(session: Session, run: RunRef) -> dict[str, Any]:
    """Before the report: bring in what growth or Airflow left out, and count."""
    if not instances.settle(session, run, wait=True):
        raise TryAgain("the run is gone")
    lag = instances.look(session, run)
    if lag is not None and not lag.state.halted(lag.clear_number) and (revived := instances.revive(session, run)):
        log.warning("subtasks revived", job=run.dag_id, run=run.run_id, revived=revived)
    return outcomes.counts(session, run)
