"""Airflow's state store, with ears: where runners' questions are answered, inside the Execution API's transaction.

``[state_store] backend`` is an extension point of Airflow 3.3; ``plugin.growth.activation`` puts this class there.
Anything that is not a question of ours is stored and read as Airflow does. What it writes for a question commits
together with it.
Where ``plugin.server`` stands in front of the API server, most of this is done there, for many runners at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from airflow.utils.session import NEW_SESSION, provide_session
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidRow, McpError
from airflow_mcp_provider.plugin.db import locks, rows, run_notes, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef, of_step
from airflow_mcp_provider.plugin.db.state_store import PLAN, REPORT
from airflow_mcp_provider.plugin.db.tables import Store, TaskScope
from airflow_mcp_provider.plugin.growth import materialize, outcomes
from airflow_mcp_provider.plugin.growth.advance import is_done
from airflow_mcp_provider.plugin.growth.airflow_internals import busy, malformed, refusal
from airflow_mcp_provider.plugin.growth.background import Settler
from airflow_mcp_provider.plugin.growth.batch_dispatch import go_on
from airflow_mcp_provider.plugin.growth.protected_keys import KeptBackend, check, is_ours
from airflow_mcp_provider.plugin.growth.run_requests import MALFORMED, Question, Questions
from airflow_mcp_provider.plugin.growth.runner import Runner, asking
from airflow_mcp_provider.plugin.growth.subtask_start import Starts
from airflow_mcp_provider.plugin.growth.tally import tally
from airflow_mcp_provider.runtime import protocol, redaction

LOCK_TIMEOUT_MS = 2_000
"""Only another transaction about the same run, which is short, is waited for."""
MOST_NOTE = 100_000
"""Of what the report tells; of that is kept what ``run_notes.CHARS`` allows."""
NOT_NEXT = "that subtask is not the next one of this runner: it asks which is"
QUESTIONS = (protocol.ENQUEUE, protocol.DONE, protocol.NEXT, protocol.CALL, protocol.CONFIRM)
Page = Callable[[Session, RunRef, str], dict[str, Any]]
PAGES: dict[str, Page] = {protocol.OUTCOMES: outcomes.page, protocol.TALLY: tally}


@cache
def settler() -> Settler:
    """Return the one of this process."""
    return Settler()


class GrowthBackend(KeptBackend):
    """``[state_store] backend = airflow_mcp_provider.plugin.growth.backend.GrowthBackend``."""

    def __init__(self) -> None:
        super().__init__()
        self._settler = settler()

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
        if (
            key == protocol.PROGRESS
            and (wrong := rows.wrong_progress(rows.parsed(value)))
            and _is_of_job(session, scope)
        ):
            raise malformed(wrong)
        if is_ours(scope, key):
            self._heard_in_time(scope, key, value, session)
        else:
            value = redaction.json_text(value) if key in protocol.TOLD else value
            super().set(scope, key, value, expires_at=expires_at, session=session)

    @provide_session
    def get(self, scope: Any, key: str, *, session: Session | None = NEW_SESSION) -> str | None:  # noqa: ANN401
        """Read a value, or a page of the run's outcomes; a subtask that starts also sees whether it still may."""
        assert session is not None  # noqa: S101 - provide_session gives one
        if not is_ours(scope, key):
            return super().get(scope, key, session=session)
        for word, read in PAGES.items():
            if key.startswith(word):
                return self._page(read, scope, key.removeprefix(word), session)
        if key.startswith(protocol.ANSWER_TO):
            return answered(super().get(scope, protocol.ANSWER, session=session), key)
        value: str | None = super().get(scope, key, session=session)
        if key != protocol.ITEM or value is None or (runner := Runner.find(session, scope)) is None:
            return value
        with _damage_refused():
            return json.dumps(Starts(session, self._settler).item(runner, rows.item(value)))

    def _page(self, read: Page, scope: TaskScope, place: str, session: Session) -> str | None:
        if not outcomes.PLACE.fullmatch(place):
            return None
        with _damage_refused():
            return json.dumps(read(session, RunRef.of(session, scope), place))

    def _heard_in_time(self, scope: TaskScope, key: str, value: str, session: Session) -> None:
        """Answer, or keep, what is more than a value; where a lock is not free, the runner is made to ask again."""
        locks.limit_waiting(session, LOCK_TIMEOUT_MS)
        try:
            with _damage_refused():
                self._heard(scope, key, json.loads(value), session)
        except OperationalError as error:
            raise busy() from error

    def _heard(self, scope: TaskScope, key: str, body: Any, session: Session) -> None:  # noqa: ANN401 - any JSON
        if wrong := wrong_form(key, body):
            raise malformed(wrong)
        if key in QUESTIONS:
            run = RunRef.of(session, scope)
            question = Question(scope.task_id, scope.map_index, key, body, asking(session, scope))
            ask(session, run, self._settler, key).answer([question])
        elif key == protocol.GO_ON:
            state_store.locked(session, RunRef.of(session, scope), scope.task_id, scope.map_index, protocol.BATCH)
            take(session, Runner.of(session, scope), asking(session, scope), body)
        elif key == protocol.VERDICT and scope.task_id == REPORT:
            run_notes.put(session.connection(), RunRef.of(session, scope).id, body["note"])
        elif key == protocol.OUTCOME and (runner := Runner.find(session, scope)) is not None:
            keep(session, self._settler, [(runner, body)])
        elif key == protocol.OOMS:
            state_store.write(session, RunRef.of(session, scope), scope.task_id, scope.map_index, key, body)
        else:
            check(scope, key)


@contextmanager
def _damage_refused() -> Iterator[None]:
    """Answer a runner with 409, and the reason, where a row is damaged."""
    try:
        yield
    except InvalidRow as error:
        raise refusal(str(error), protocol.DAMAGED) from error


def wrong_form(key: str, body: object) -> str | None:
    """Say what is wrong with the form of what a runner writes under a key of ours."""
    if key == protocol.OUTCOME:
        return rows.wrong_outcome(body)
    if key in {*QUESTIONS, protocol.GO_ON} and not (isinstance(body, dict) and isinstance(body.get("call"), str)):
        return f"{key} is an object with the name of its call; given {redaction.shown(body)}"
    if key == protocol.VERDICT and not (isinstance(body, dict) and _is_note(body.get("note"))):
        return (
            f"{key} is an object with a note, a text of at most {MOST_NOTE} characters; given {redaction.shown(body)}"
        )
    if key == protocol.OOMS and not rows.is_ooms(body):
        return f"{key} is a list of at most {rows.MOST_OOMS} numbers of attempts; given {redaction.shown(body)}"
    return None


def _is_note(note: object) -> bool:
    return isinstance(note, str) and len(note) <= MOST_NOTE


def _is_of_job(session: Session, scope: object) -> bool:
    """Whether a task is one of a planned run of a job: of another DAG's ``progress`` the form is its own affair."""
    if not isinstance(scope, TaskScope):
        return False
    of_run = of_step(Store, scope, PLAN)
    return session.scalar(select(Store.key).where(*of_run, Store.key == protocol.RUN)) is not None


def answered(value: str | None, key: str) -> str | None:
    """Return the answer to the call that ``key`` ends with; None where the latest is another's."""
    found = rows.parsed(value)
    return value if isinstance(found, dict) and found.get("call") == key.removeprefix(protocol.ANSWER_TO) else None


def ask(session: Session, run: RunRef, settler: Settler, key: str) -> Questions:
    """Take the lock of the run's counter for questions of one key.

    A report's question needs the scheduler's lock, too. It is waited for before the counter's, which others need.
    """
    if key == protocol.CONFIRM:
        materialize.settle(session, run, wait=True)
    return Questions(session, run, settler)


def take(session: Session, runner: Runner, instance: UUID | None, body: dict[str, Any]) -> None:
    """A runner of a batch goes on; raises what the Execution API answers with 409 where the server has it otherwise."""
    if instance not in {None, runner.instance} or not goes_on(session, runner, body):
        raise refusal(NOT_NEXT)


def goes_on(session: Session, runner: Runner, body: dict[str, Any]) -> bool:
    """Let a runner of a batch go on with the subtask that it was told of; False, and nothing done, where it cannot."""
    try:
        with session.begin_nested():
            return go_on(session, runner.running(), body)
    except (McpError, *MALFORMED):
        return False


def keep(session: Session, settler: Settler, outcomes_of: Sequence[tuple[Runner, dict[str, Any]]]) -> None:
    """Keep what subtasks ended with; a failure of one that was handed on before changes nothing.

    The runs of those that failed for good are judged once each. Their counters are locked first, as for any question.
    """
    latest = dict(outcomes_of)
    judged = sorted({runner.run for runner, body in latest.items() if is_final(body)}, key=lambda run: run.id)
    judges = [Questions(session, run, settler) for run in judged]
    handed_on = {one for one, body in latest.items() if "error" in body and is_done(one, _item(session, one))}
    kept = {runner: body for runner, body in latest.items() if runner not in handed_on}
    state_store.put(session, ((runner.run, *runner.place, protocol.OUTCOME, body) for runner, body in kept.items()))
    for judge in judges:
        judge.judge()


def is_final(outcome: dict[str, Any]) -> bool:
    """Whether a subtask failed for good."""
    return "error" in outcome and bool(outcome.get("final"))


def _item(session: Session, runner: Runner) -> dict[str, Any] | None:
    item: dict[str, Any] | None = state_store.read(session, runner.run, *runner.place, protocol.ITEM)
    return item
