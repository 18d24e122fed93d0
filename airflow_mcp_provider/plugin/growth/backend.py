"""Airflow's state store, which also answers the requests of runners, inside the Execution API's transaction.

``[state_store] backend`` is an extension point of Airflow 3.3; ``plugin.growth.activation`` puts this class there.
Everything that is not a request of ours is stored and read as Airflow does. What this class writes for a request
commits together with it.
Where ``plugin.server`` is in front of the API server, most of this is done there, for many runners at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from airflow.utils.session import NEW_SESSION, provide_session
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidPayload, InvalidRow, McpError, RunIsOver
from airflow_mcp_provider.plugin.db import clock, locks, rows, run_end, run_notes, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef, of_run, of_step
from airflow_mcp_provider.plugin.db.state_store import PLAN, REPORT
from airflow_mcp_provider.plugin.db.tables import DagRun, DagRunState, Store, TaskScope
from airflow_mcp_provider.plugin.growth import materialize, outcomes, run_spec
from airflow_mcp_provider.plugin.growth.airflow_internals import busy, forbidden, malformed, refusal
from airflow_mcp_provider.plugin.growth.background import Materializer
from airflow_mcp_provider.plugin.growth.batch_dispatch import go_on
from airflow_mcp_provider.plugin.growth.next_step import continued
from airflow_mcp_provider.plugin.growth.protected_keys import KeptBackend, check, is_ours
from airflow_mcp_provider.plugin.growth.run_requests import RunnerRequest, RunRequests
from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.plugin.growth.runner import Runner, asking
from airflow_mcp_provider.plugin.growth.subtask_start import SubtaskStarts
from airflow_mcp_provider.plugin.growth.tally import tally
from airflow_mcp_provider.runtime import redaction, store_keys
from airflow_mcp_provider.runtime.answer_types import OutcomesPage, TallyPage
from airflow_mcp_provider.runtime.messages import AttemptOutcome, stored
from airflow_mcp_provider.runtime.request_types import ASKED, TYPES, GoOn, read_request

log = structlog.get_logger(__name__)
LOCK_TIMEOUT_MS = 2_000
"""Only another transaction about the same run, which is short, is waited for."""
NOT_NEXT = "that subtask is not the next one of this runner; it has to ask which is (mcp.next)"
OF_BATCH = "the runner of a batch reports with the key mcp.next: its task instance is not one subtask"
GIVEN_UP = "this runner was given up: its task instance is not running"
Page = Callable[[Session, RunRef, str], OutcomesPage | TallyPage]
PAGES: dict[str, Page] = {store_keys.OUTCOMES: outcomes.page, store_keys.TALLY: tally}


@cache
def materializer() -> Materializer:
    """Return the one of this process."""
    return Materializer()


class GrowthBackend(KeptBackend):
    """``[state_store] backend = airflow_mcp_provider.plugin.growth.backend.GrowthBackend``."""

    def __init__(self) -> None:
        super().__init__()
        self._materializer = materializer()

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
        """Store a value, or answer the request that ``key`` is."""
        assert session is not None  # noqa: S101 - provide_session gives one
        if key == store_keys.PROGRESS:
            _check_progress(session, scope, value)
        if key == store_keys.POD and _is_of_job(session, scope):
            raise forbidden(f"reserved key {key!r}; expected another one: the scheduler writes it")
        if is_ours(scope, key):
            self._answer_in_time(scope, key, value, session)
        else:
            value = redaction.json_text(value) if key in store_keys.SHOWN_TO_PEOPLE else value
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
        if key in COMPUTED:
            return COMPUTED[key](session, scope)
        if key.startswith(store_keys.ANSWER_TO):
            return answered(super().get(scope, store_keys.ANSWER, session=session), key)
        value: str | None = super().get(scope, key, session=session)
        if key != store_keys.ITEM or value is None or (runner := Runner.find(session, scope)) is None:
            return value
        with _damage_refused():
            done = bool(continued(session, [runner]))
            item = SubtaskStarts(session, self._materializer).item(runner, rows.item(value), done=done)
            return json.dumps(stored(item))

    def _page(self, read: Page, scope: TaskScope, place: str, session: Session) -> str | None:
        if not outcomes.PLACE.fullmatch(place):
            return None
        with _damage_refused():
            return json.dumps(stored(read(session, RunRef.of(session, scope), place)))

    def _answer_in_time(self, scope: TaskScope, key: str, value: str, session: Session) -> None:
        """Answer a request, or store a row; where a lock is not free, the runner is made to ask again."""
        locks.limit_waiting(session, LOCK_TIMEOUT_MS)
        try:
            with _damage_refused():
                self._answer(scope, key, value, session)
        except OperationalError as error:
            raise busy() from error

    def _answer(self, scope: TaskScope, key: str, value: str, session: Session) -> None:
        if key not in TYPES:
            check(scope, key)
        request = _read(key, rows.parsed(value))
        if key in ASKED:
            run = RunRef.of(session, scope)
            asked = RunnerRequest(scope.task_id, scope.map_index, request, asking(session, scope))
            ask(session, run, self._materializer, [(key, scope.task_id)]).answer([asked])
        elif key == store_keys.GO_ON:
            state_store.locked(session, RunRef.of(session, scope), scope.task_id, scope.map_index, store_keys.BATCH)
            take(session, Runner.of(session, scope), asking(session, scope), request)
        elif key == store_keys.VERDICT and scope.task_id == REPORT:
            _check_running(Runner.find(session, scope))
            run_notes.put(session.connection(), RunRef.of(session, scope).id, request.note)
        elif key == store_keys.OUTCOME and (runner := Runner.find(session, scope)) is not None:
            for reason in keep(session, self._materializer, [(runner, request)]).values():
                raise refusal(reason)
        elif key == store_keys.OOMS:
            state_store.write(session, RunRef.of(session, scope), scope.task_id, scope.map_index, key, request)
        else:
            check(scope, key)


def _read(key: str, value: object) -> Any:  # noqa: ANN401 - the type of the key
    """Validate what a runner sent; raises what the Execution API answers with 422."""
    try:
        return read_request(key, value)
    except InvalidPayload as error:
        log.warning("a runner's request is malformed", key=key, reason=str(error))
        raise malformed(str(error)) from None


def _check_progress(session: Session, scope: object, value: str) -> None:
    """Raise what is answered with 422 for a malformed progress of a job; another DAG may store what it likes."""
    try:
        read_request(store_keys.PROGRESS, rows.parsed(value))
    except InvalidPayload as error:
        if _is_of_job(session, scope):
            raise malformed(str(error)) from None


def _grace(session: Session, scope: TaskScope) -> str | None:
    """Return the grace of the run of a task that is asked to end; None where the run was not ended from outside."""
    run = session.scalar(select(DagRun.id).where(*of_run(DagRun, scope), DagRun.state != DagRunState.RUNNING))
    end = None if run is None else run_end.latest(session.connection(), run)
    return json.dumps(end.grace) if end and end.ending(clock.now()) else None


COMPUTED: dict[str, Callable[[Session, TaskScope], str | None]] = {
    store_keys.GRACE: _grace,
    store_keys.SPEC: run_spec.of_task_instance,
}
"""What is read under a key that has no row."""


def _check_running(runner: Runner | None) -> None:
    """Raise what is answered with 409, where a report is not running: the run keeps the note of how it was ended."""
    try:
        if runner is not None:
            runner.running()
    except RunIsOver as error:
        raise refusal(str(error)) from None


@contextmanager
def _damage_refused() -> Iterator[None]:
    """Answer a runner with 409, and the reason, where a row is damaged."""
    try:
        yield
    except InvalidRow as error:
        raise refusal(str(error), store_keys.DAMAGED) from error


def _is_of_job(session: Session, scope: object) -> bool:
    """Whether a task is one of a planned run of a job: of another DAG's ``progress`` the form is its own affair."""
    if not isinstance(scope, TaskScope):
        return False
    mine = of_step(Store, scope, PLAN)
    return session.scalar(select(Store.key).where(*mine, Store.key == store_keys.RUN)) is not None


def answered(value: str | None, key: str) -> str | None:
    """Return the answer to the call that ``key`` ends with; None where the latest is another's."""
    found = rows.parsed(value)
    return value if isinstance(found, dict) and found.get("call") == key.removeprefix(store_keys.ANSWER_TO) else None


def ask(session: Session, run: RunRef, materializer: Materializer, asked: Collection[tuple[str, str]]) -> RunRequests:
    """Lock the run's state for requests: ``asked`` are their keys and the tasks that ask.

    A report's request needs the scheduler's lock, too. It is waited for before the state's, which others need.
    """
    if (store_keys.CONFIRM, REPORT) in asked:
        materialize.materialize(session, run, wait=True)
    return RunRequests(session, run, materializer)


def take(session: Session, runner: Runner, instance: UUID | None, request: GoOn) -> None:
    """The runner of a batch begins its next subtask; raises what is answered with 409 where it may not."""
    if instance not in {None, runner.instance} or not goes_on(session, runner, request):
        raise refusal(NOT_NEXT)


def goes_on(session: Session, runner: Runner, request: GoOn) -> bool:
    """Let the runner of a batch begin the subtask that was announced; False, and nothing done, where it may not."""
    try:
        with session.begin_nested():
            return go_on(session, runner.running(), request)
    except McpError:
        return False


def keep(
    session: Session, materializer: Materializer, ended: Sequence[tuple[Runner, AttemptOutcome]]
) -> dict[Runner, str]:
    """Store how subtasks ended; a failure of one that has continued in the next step changes nothing.

    Returns the runners of which nothing is stored, with the reason: those of batches, whose map index is not that of a
    subtask, and those that were given up; the runner of a run that was cancelled may say how its work ended. The runs
    of those that failed for good are judged once each. Their states are locked first, as for any request.
    """
    refused = _refused(session, {runner for runner, _ in ended})
    latest = {runner: outcome for runner, outcome in ended if runner not in refused}
    judged = sorted({runner.run for runner, outcome in latest.items() if is_final(outcome)}, key=lambda run: run.id)
    judges = [RunRequests(session, run, materializer) for run in judged]
    done = continued(session, (runner for runner, outcome in latest.items() if outcome.error))
    kept = {runner: outcome for runner, outcome in latest.items() if runner not in done}
    state_store.put(session, ((one.run, *one.place, store_keys.OUTCOME, outcome) for one, outcome in kept.items()))
    final = [
        (one.run, *one.place, store_keys.FINAL, outcome.attempt) for one, outcome in kept.items() if is_final(outcome)
    ]
    state_store.put(session, final)
    for judge in judges:
        judge.judge()
    return refused


def _refused(session: Session, runners: Collection[Runner]) -> dict[Runner, str]:
    states = {run: RunState.read(session, run) for run in {one.run for one in runners}}
    of_batch = {one: OF_BATCH for one in runners if (state := states[one.run]) and state.serves_batch(one.step)}
    given_up = {one.instance: one for one in runners if not one.works}
    ending = run_end.graces(session, given_up) if given_up else {}
    return of_batch | {one: GIVEN_UP for number, one in given_up.items() if number not in ending}


def is_final(outcome: AttemptOutcome) -> bool:
    """Whether a subtask failed for good."""
    return outcome.error is not None and outcome.final
