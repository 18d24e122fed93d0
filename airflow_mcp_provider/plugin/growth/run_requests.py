"""Requests of one run's runners: all that have gathered, in one transaction, under the lock of the run's state.

Runs in the API server. ``plugin.server`` gathers them (see ``server.coalescing``); without it each comes alone, by the
Execution API's own route. A request that is refused gets its reason as its answer and affects no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, McpError, RunIsOver, TryAgain
from airflow_mcp_provider.plugin import metrics
from airflow_mcp_provider.plugin.child_runs.start import call
from airflow_mcp_provider.plugin.db import state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import PLAN, REPORT
from airflow_mcp_provider.plugin.growth import materialize, outcomes, runner
from airflow_mcp_provider.plugin.growth.background import Materializer
from airflow_mcp_provider.plugin.growth.batch_dispatch import BatchDispatch
from airflow_mcp_provider.plugin.growth.enqueue import Enqueuing, Reservation, begin, planned
from airflow_mcp_provider.plugin.growth.next_step import Place, advance
from airflow_mcp_provider.plugin.growth.parents import parents
from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.plugin.growth.subtask_start import SubtaskStarts
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.answer_types import (
    ChildRun,
    Continued,
    Counts,
    Enqueued,
    NextAnswer,
    NextStopped,
    NextWaits,
)
from airflow_mcp_provider.runtime.messages import Item, stored
from airflow_mcp_provider.runtime.request_types import CallJob, Confirm, Done, Enqueue, Next, Request

DIGITS = 18
"""Of the number of a runner's request."""

log = structlog.get_logger(__name__)
Answer = Enqueued | Continued | Counts | ChildRun | NextAnswer


@dataclass(frozen=True, slots=True)
class RunnerRequest:
    """A request, and the task instance that sent it; ``instance`` is its id, None where that is not known."""

    task_id: str
    map_index: int
    request: Request
    instance: UUID | None = None

    @property
    def place(self) -> tuple[str, int]:
        """Name the task instance within the run."""
        return self.task_id, self.map_index

    @property
    def name(self) -> RequestName:
        """Distinguish it from all others: a call that another runner makes up is another request."""
        return self.place, self.request.call

    @property
    def begins(self) -> bool:
        """Whether plan starts with it: an earlier plan's subtasks are then removed."""
        return self.task_id == PLAN and isinstance(self.request, Enqueue) and self.request.begin is not None


RequestName = tuple[tuple[str, int], str]
"""A runner's place and its call."""
Answers = dict[RequestName, dict[str, Any]]
"""The answers as the row ``store_keys.ANSWER`` has them: the answer's fields, or ``refused``; and ``call``."""
ByPlace = Mapping[tuple[str, int], Runner]


class RunRequests:
    """One transaction's requests of one run."""

    def __init__(self, session: Session, run: RunRef, materializer: Materializer) -> None:
        self._session = session
        self._run = run
        self._materializer = materializer
        self._state = RunState.locked(session, run)
        self._grown = False

    def answer(self, asked: Sequence[RunnerRequest], runners: ByPlace | None = None) -> Answers:
        """Do what is asked and write the answers; a request that was answered before has none.

        A runner has one row for its answers: of several requests at the same time it keeps the last one's. ``runners``
        are those that ask, where the caller has read them.
        """
        fresh = self._fresh(asked)
        places = [one.place for one in fresh]
        self._runners = runner.of_places(self._session, self._run, places) if runners is None else runners
        enqueues = [(one, one.request) for one in fresh if isinstance(one.request, Enqueue) and not one.begins]
        answers = self._enqueue(enqueues)
        for one in fresh:
            if one.name not in answers:
                answers[one.name] = self._alone(one)
        written = {one.name: {**answers[one.name], "call": one.request.call} for one in fresh}
        latest = {one.place: written[one.name] for one in fresh}
        state_store.put(
            self._session, ((self._run, *place, store_keys.ANSWER, value) for place, value in latest.items())
        )
        self._finish()
        metrics.enqueued(self._run.dag_id, sum(answer.get("new", 0) for answer in written.values()))
        return written

    def _fresh(self, asked: Iterable[RunnerRequest]) -> list[RunnerRequest]:
        """Leave out repeated and late requests: what they did stands, and no runner waits for the answer."""
        places = {one.place for one in asked}
        answered = state_store.read_of(self._session, self._run, store_keys.ANSWER, places)
        latest = {place: _calls(answer) for place, answer in answered.items()}
        fresh: list[RunnerRequest] = []
        for one in asked:
            calls = latest.setdefault(one.place, [])
            if not any(_is_repeated(one.request.call, earlier) for earlier in calls):
                calls.append(one.request.call)
                fresh.append(one)
        return fresh

    def _enqueue(self, asked: Sequence[tuple[RunnerRequest, Enqueue]]) -> Answers:
        """Give places to the children of all of them at once."""
        answers: Answers = {}
        checked: dict[RequestName, Enqueuing] = {}
        found = parents(self._session, self._run, self._state, [one.place for one, _ in asked], self._runners)
        for one, request in asked:
            try:
                self._running(one)
                checked[one.name] = self._checked(one, request, found.get(one.place))
            except McpError as error:
                answers[one.name] = _refused(error)
        return answers | self._reserve(checked)

    def _checked(self, one: RunnerRequest, request: Enqueue, parent: Item | McpError | None) -> Enqueuing:
        state = planned(self._state)
        if one.task_id not in {PLAN, *state.names}:
            raise InvalidPayload(f"the task {one.task_id} may not enqueue; expected plan or a subtask")
        if isinstance(parent, McpError):
            raise parent
        return Enqueuing.of(state, one.task_id, request, parent)

    def _reserve(self, checked: Mapping[RequestName, Enqueuing]) -> Answers:
        if not checked:
            return {}
        answers: Answers = {}
        reservation = Reservation(self._session, self._run, planned(self._state), list(checked.values()))
        for name, enqueuing in checked.items():
            try:
                enqueued = reservation.reserve(enqueuing)
            except McpError as error:
                answers[name] = _refused(error)
            else:
                answers[name] = stored(enqueued)
                self._grown |= bool(enqueued.new) and enqueuing.task_id != PLAN
        self._state = reservation.write()
        return answers

    def _alone(self, one: RunnerRequest) -> dict[str, Any]:
        """Answer one that may fail half-way: what it did is undone then."""
        try:
            with self._session.begin_nested():
                self._state, answer = self._asked(one)
        except McpError as error:
            return _refused(error)
        self._grown |= bool(getattr(answer, "new", 0)) and one.map_index >= 0
        written: dict[str, Any] = stored(answer)
        return written

    def _asked(self, one: RunnerRequest) -> tuple[RunState | None, Answer]:
        return HANDLERS[type(one.request)](self, one, one.request)

    def confirm(self, one: RunnerRequest, _: Confirm) -> tuple[RunState | None, Answer]:
        """Before the report: bring in the subtasks that growth or Airflow left out, and count."""
        if one.task_id != REPORT:
            raise RunIsOver("only the report of a run may confirm that all subtasks ended")
        self._running(one)
        if not materialize.materialize(self._session, self._run, wait=True):
            raise TryAgain("the run was deleted")
        lag = materialize.look(self._session, self._run)
        if lag is not None and not lag.halted and (revived := materialize.revive(self._session, self._run)):
            log.warning(
                "missing task instances of subtasks were made again",
                job=self._run.dag_id,
                run=self._run.run_id,
                count=revived,
            )
        return self._state, outcomes.counts(self._session, self._run)

    def begin(self, one: RunnerRequest, request: Enqueue) -> tuple[RunState, Answer]:
        """Plan starts."""
        self._running(one)
        state = begin(self._session, self._run, request.begin) if request.begin else planned(self._state)
        enqueuing = Enqueuing.of(state, one.task_id, request, None)
        reservation = Reservation(self._session, self._run, state, [enqueuing])
        answer = reservation.reserve(enqueuing)
        return reservation.write(), answer

    def call_job(self, one: RunnerRequest, request: CallJob) -> tuple[RunState | None, Answer]:
        """A subtask that is a run of another job."""
        return self._state, call(self._session, self._running(one).scope, self._run, request)

    def done(self, one: RunnerRequest, request: Done) -> tuple[RunState, Answer]:
        """A subtask succeeded in its step."""
        asking = self._running(one)
        if planned(self._state).serves_batch(asking.step):
            raise InvalidPayload("the runner of a batch may not send mcp.done; expected mcp.next")
        here = Place(asking.step, asking.index, asking.life, request.trace)
        state, new = advance(self._session, self._run, self._state, here, request.outcome)
        return state, Continued(new)

    def next(self, one: RunnerRequest, request: Next) -> tuple[RunState, Answer]:
        """The runner of a batch asks for its next subtask."""
        asking, state = self._running(one), planned(self._state)
        dispatch = BatchDispatch(self._session, asking, state.step(asking.step))
        state, delivered = dispatch.deliver(state, request)
        if delivered.failed and (judged := self.judge()):
            state = judged
        if state.halted(asking.clear_number):
            return state, NextStopped(new=delivered.new, reason=state.stopped or "", label=dispatch.label())
        starts = SubtaskStarts(self._session, self._materializer)
        if not request.ended and (waits := starts.waits(asking)):
            return state, NextWaits(new=delivered.new, reason=waits, label=dispatch.label())
        return dispatch.next(state, delivered.new, fresh=request.fresh)

    def judge(self) -> RunState | None:
        """Subtasks failed for good: stop the run when that is more than its job tolerates; returns its state then."""
        lag = materialize.look(self._session, self._run)
        if lag is None or lag.halted:
            return None
        counted = materialize.failed(self._session, self._run, lag.state)
        failed = counted + outcomes.failing(self._session, self._run, lag.state)
        reason = lag.state.stop_reason(failed)
        if reason is None:
            return None
        log.warning("run stopped", job=self._run.dag_id, run=self._run.run_id, reason=reason)
        stopped = msgspec.structs.replace(lag.state, stopped=reason, stopped_at=lag.clear_number)
        stopped.write(self._session, self._run)
        self._materializer.after_commit(self._session, self._run)
        return stopped

    def _running(self, one: RunnerRequest) -> Runner:
        found = self._runners.get(one.place)
        if found is None or one.instance not in {None, found.instance}:
            raise RunIsOver("the task instance of this runner is gone, or another runner tries it again")
        return found.running()

    def _finish(self) -> None:
        if not self._grown:
            return
        if not materialize.materialize(self._session, self._run, wait=False, state=self._state):
            self._materializer.after_commit(self._session, self._run)


HANDLERS: dict[type[Request], Callable[[RunRequests, RunnerRequest, Any], tuple[RunState | None, Answer]]] = {
    Confirm: RunRequests.confirm,
    Enqueue: RunRequests.begin,
    CallJob: RunRequests.call_job,
    Done: RunRequests.done,
    Next: RunRequests.next,
}


def _refused(error: McpError) -> dict[str, Any]:
    return {"refused": {"type": type(error).__name__, "message": str(error)}}


def _calls(answer: object) -> list[str]:
    found = answer.get("call") if isinstance(answer, dict) else None
    return [found] if isinstance(found, str) else []


def _is_repeated(name: str, latest: str) -> bool:
    """Whether a request is not after the latest one of its runner: they are numbered (``ServerClient``)."""
    asking, _, number = name.rpartition(".")
    same, _, last = latest.rpartition(".")
    return name == latest or (asking == same and _is_number(number) and _is_number(last) and int(number) < int(last))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS
