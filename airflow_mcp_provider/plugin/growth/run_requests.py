"""Runners' questions, answered: all that have gathered for a run in one transaction, under the lock of its counter.

Runs in the API server. ``server`` gathers them (see ``server.lanes``); where it is not, each comes alone by the
Execution API's own route. What one question is refused for is told in its answer and harms no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, McpError, RunIsOver, TryAgain
from airflow_mcp_provider.plugin.child_runs.start import call
from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.state_store import PLAN, REPORT
from airflow_mcp_provider.plugin.growth import materialize, outcomes, runner
from airflow_mcp_provider.plugin.growth.advance import Place, hand_on
from airflow_mcp_provider.plugin.growth.background import Settler
from airflow_mcp_provider.plugin.growth.batch_dispatch import Taking
from airflow_mcp_provider.plugin.growth.enqueue import Enqueued, Reserving, begin, planned
from airflow_mcp_provider.plugin.growth.run_state import Reserved
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.plugin.growth.subtask_start import Starts
from airflow_mcp_provider.runtime import protocol, redaction
from airflow_mcp_provider.spec import Tolerate

MIN_ENDED = 20
"""A percentage tolerated is judged early only when this many subtasks are known: one of three is no third of a job."""

DIGITS = 18
"""Of the number of a runner's question."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What a runner asks: ``key`` is the question's, ``body`` its value in the state store.

    ``instance`` is the id of the task instance that asks, None where it is not known.
    """

    task_id: str
    map_index: int
    key: str
    body: dict[str, Any]
    instance: UUID | None = None

    @property
    def place(self) -> tuple[str, int]:
        """Name the task instance within the run."""
        return self.task_id, self.map_index

    @property
    def call(self) -> str:
        """Name the question: its runner's name, and a number."""
        return str(self.body["call"])

    @property
    def name(self) -> Asking:
        """Tell it from all others: a call that another runner makes up is another question."""
        return self.place, self.call

    @property
    def begins(self) -> bool:
        """Whether plan begins with it: an earlier plan's subtasks are then forgotten."""
        return self.key == protocol.ENQUEUE and self.task_id == PLAN and "begin" in self.body


Asking = tuple[tuple[str, int], str]
"""A runner's place and its call: what names a question."""
Answers = dict[Asking, dict[str, Any]]
ByPlace = Mapping[tuple[str, int], Runner]
MALFORMED = rows.BROKEN
"""What reading a body of another form than ours comes to."""


class Questions:
    """One transaction's questions about one run."""

    def __init__(self, session: Session, run: RunRef, settler: Settler) -> None:
        self._session = session
        self._run = run
        self._settler = settler
        self._state = Reserved.locked(session, run)
        self._grown = False

    def answer(self, asked: Sequence[Question], runners: ByPlace | None = None) -> Answers:
        """Do what is asked and write the answers; what was heard before has none.

        A runner has one row for its answers: of several questions at the same time it keeps the last one's. ``runners``
        are those that ask, where the caller has read them.
        """
        fresh = self._fresh(asked)
        places = [question.place for question in fresh]
        self._runners = runner.of_places(self._session, self._run, places) if runners is None else runners
        enqueues = [question for question in fresh if question.key == protocol.ENQUEUE and not question.begins]
        answers = self._enqueue(enqueues)
        for question in fresh:
            if question.key != protocol.ENQUEUE or question.begins:
                answers[question.name] = self._alone(question)
        told = {question.name: {**answers[question.name], "call": question.call} for question in fresh}
        latest = {question.place: told[question.name] for question in fresh}
        state_store.put(self._session, ((self._run, *place, protocol.ANSWER, value) for place, value in latest.items()))
        self._finish()
        return told

    def _fresh(self, asked: Iterable[Question]) -> list[Question]:
        """Leave out the same request again, or a late one: what it did stands, and nobody waits for its answer."""
        places = {question.place for question in asked}
        answered = state_store.read_of(self._session, self._run, protocol.ANSWER, places)
        latest = {place: _calls(answer) for place, answer in answered.items()}
        fresh: list[Question] = []
        for question in asked:
            heard = latest.setdefault(question.place, [])
            if not any(_is_heard(question.call, call) for call in heard):
                heard.append(question.call)
                fresh.append(question)
        return fresh

    def _enqueue(self, questions: Sequence[Question]) -> Answers:
        """Give places to the children of all of them at once."""
        answers: Answers = {}
        checked: dict[Asking, Enqueued] = {}
        for question in questions:
            try:
                self._running(question)
                checked[question.name] = Enqueued.of(planned(self._state), question.task_id, question.body)
            except McpError as error:
                answers[question.name] = _refused(error)
        return answers | self._reserve(checked)

    def _reserve(self, checked: Mapping[Asking, Enqueued]) -> Answers:
        if not checked:
            return {}
        answers: Answers = {}
        reserving = Reserving(self._session, self._run, planned(self._state), list(checked.values()))
        for name, enqueued in checked.items():
            try:
                answers[name] = reserving.reserve(enqueued)
            except McpError as error:
                answers[name] = _refused(error)
            else:
                self._grown |= bool(answers[name]["new"]) and enqueued.task_id != PLAN
        self._state = reserving.write()
        return answers

    def _alone(self, question: Question) -> dict[str, Any]:
        """Answer one that may fail half-way: what it did is undone then."""
        try:
            with self._session.begin_nested():
                self._state, answer = self._asked(question)
        except McpError as error:
            return _refused(error)
        except MALFORMED as error:
            log.warning(
                "a question was malformed", key=question.key, task=question.task_id, error=redaction.shown(error, 200)
            )
            return _refused(InvalidPayload(f"the question {question.key} is malformed: {redaction.shown(error, 200)}"))
        self._grown |= bool(answer.get("new")) and question.map_index >= 0
        return answer

    def _asked(self, question: Question) -> tuple[Reserved | None, dict[str, Any]]:
        if question.key == protocol.CONFIRM:
            if question.task_id != REPORT:
                raise RunIsOver("only the report of a run asks whether all of it is there")
            return self._state, self._confirm()
        asking = self._running(question)
        if question.key == protocol.NEXT:
            return self._next(asking, planned(self._state), question.body)
        if question.key == protocol.CALL:
            return self._state, call(self._session, asking.scope, self._run, question.body)
        if question.key == protocol.DONE:
            if wrong := rows.wrong_outcome(question.body["outcome"]):
                raise InvalidPayload(wrong)
            here = Place(asking.step, asking.index, asking.life)
            return hand_on(self._session, self._run, self._state, here, question.body["outcome"])
        return self._begin(question)

    def _begin(self, question: Question) -> tuple[Reserved, dict[str, Any]]:
        state = begin(self._session, self._run, question.body["begin"])
        enqueued = Enqueued.of(state, question.task_id, question.body)
        reserving = Reserving(self._session, self._run, state, [enqueued])
        answer = reserving.reserve(enqueued)
        return reserving.write(), answer

    def _next(self, asking: Runner, state: Reserved, body: dict[str, Any]) -> tuple[Reserved, dict[str, Any]]:
        """A runner of a batch asks for its next subtask."""
        if body.get("ended") and (wrong := rows.wrong_outcome(body["ended"])):
            raise InvalidPayload(wrong)
        taking = Taking(self._session, asking, state.step(asking.step), body)
        state, told = taking.deliver(state)
        if told["failed"] and (judged := self.judge()):
            state = judged
        if state.halted(asking.clear_number):
            return state, {**told, "stopped": state.stopped, "label": taking.label()}
        if not body.get("ended") and (waits := Starts(self._session, self._settler).waits(asking)):
            return state, {**told, "waits": waits, "label": taking.label()}
        state, given = taking.take(state)
        return state, {**told, **given}

    def judge(self) -> Reserved | None:
        """Subtasks failed for good: stop the run when that is more than its job tolerates; returns the counter then."""
        lag = materialize.look(self._session, self._run)
        if lag is None or lag.halted:
            return None
        tolerate, known = Tolerate.of(lag.state.tolerate), lag.state.subtasks
        counted = materialize.failed(self._session, self._run, lag.state)
        failed = counted + outcomes.failing(self._session, self._run, lag.state)
        if tolerate.allows(failed, known) or (tolerate.percent is not None and known < MIN_ENDED):
            return None
        reason = f"{failed} of {known} known subtasks failed, tolerated are {tolerate}: no further one is started"
        log.warning("run stopped", job=self._run.dag_id, run=self._run.run_id, reason=reason)
        stopped = replace(lag.state, stopped=reason, stopped_at=lag.clear_number)
        stopped.write(self._session, self._run)
        self._settler.after_commit(self._session, self._run)
        return stopped

    def _confirm(self) -> dict[str, Any]:
        """Before the report: bring in what growth or Airflow left out, and count."""
        if not materialize.settle(self._session, self._run, wait=True):
            raise TryAgain("the run is gone")
        lag = materialize.look(self._session, self._run)
        if lag is not None and not lag.halted and (revived := materialize.revive(self._session, self._run)):
            log.warning("subtasks revived", job=self._run.dag_id, run=self._run.run_id, revived=revived)
        return outcomes.counts(self._session, self._run)

    def _running(self, question: Question) -> Runner:
        found = self._runners.get(question.place)
        if found is None or question.instance not in {None, found.instance}:
            raise RunIsOver("the task instance of this runner is gone, or another runner tries it again")
        return found.running()

    def _finish(self) -> None:
        if self._grown and not materialize.settle(self._session, self._run, wait=False, state=self._state):
            self._settler.after_commit(self._session, self._run)


def _refused(error: McpError) -> dict[str, Any]:
    return {"refused": {"type": type(error).__name__, "message": str(error)}}


def _calls(answer: object) -> list[str]:
    call = answer.get("call") if isinstance(answer, dict) else None
    return [call] if isinstance(call, str) else []


def _is_heard(call: str, latest: str) -> bool:
    """Whether a question is not after the latest one of its runner: they are numbered (``Link``)."""
    asking, _, number = call.rpartition(".")
    same, _, last = latest.rpartition(".")
    return call == latest or (asking == same and _is_number(number) and _is_number(last) and int(number) < int(last))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS
