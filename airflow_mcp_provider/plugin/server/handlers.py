"""The most frequent requests of runners, carried out in the database for many of them at once.

Runs in the threads of ``coalescing``. Each function takes the requests that have gathered and gives a reply for each,
in order. Irregular requests (the task instance is gone, there is no such row, another process runs it) are PASSED to
Airflow's own route, which answers with its own error. A statement waits for a row lock for ``backend.LOCK_TIMEOUT_MS``
at most.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, tuple_, update
from sqlalchemy.exc import InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from airflow_mcp_provider import patience
from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin import metrics
from airflow_mcp_provider.plugin.db import clock, locks, rows, run_end, state_store
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, TaskInstanceState, create_session
from airflow_mcp_provider.plugin.growth import backend, runner
from airflow_mcp_provider.plugin.growth.airflow_internals import refusal
from airflow_mcp_provider.plugin.growth.next_step import is_continued
from airflow_mcp_provider.plugin.growth.run_requests import Answers, RunnerRequest
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.plugin.growth.subtask_start import SubtaskStarts
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.messages import stored

UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout)
CLASSES_OF_ALL = frozenset({"08", "25", "40", "53", "55", "57", "58"})
"""Classes of Postgres's error codes: connection, transaction, rollback, resources, locks, an operator, the system.
Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """One runner's HTTP request: the id of its task instance, the key, what it sends (None: it reads), about its bytes.

    ``value`` is of the type that ``request_types.TYPES`` has for the key. ``expires_at`` is when a row may be removed.
    """

    instance: UUID
    key: str
    value: Any = None
    size: int = 0
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response; ``answer`` is the row ``store_keys.ANSWER`` after the request; ``run`` is the run's number."""

    status: int
    content: Any = None
    answer: dict[str, Any] | None = None
    run: int | None = None


KEPT = Reply(HTTPStatus.NO_CONTENT)
PASSED: Reply | None = None
AGAIN = Reply(HTTPStatus.SERVICE_UNAVAILABLE, {"detail": "the database is busy; send the same request again"})
FAULT = Reply(HTTPStatus.INTERNAL_SERVER_ERROR, {"detail": "Internal Server Error"})

Replies = Sequence[Reply | None]
Work = Callable[[Sequence[StoreRequest]], Replies]
Values = dict[tuple[int, str, int, str], str]
"""By run, task, map index and key."""


def together(work: Callable[[Session, Sequence[StoreRequest]], Replies]) -> Work:
    """Make ``work`` one transaction; where it fails, each half of the requests has one, down to the one that fails."""

    @wraps(work)
    def carried_out(asked: Sequence[StoreRequest]) -> Replies:
        try:
            with metrics.transaction(len(asked)), create_session(scoped=False) as session:
                locks.limit_waiting(session, backend.LOCK_TIMEOUT_MS)
                return work(session, asked)
        except Exception as error:  # noqa: BLE001 - each runner gets its own error
            if len(asked) == 1 or _is_of_all(error):
                return [_failed(error, one) for one in asked]
            half = len(asked) // 2
            return [*carried_out(asked[:half]), *carried_out(asked[half:])]

    return carried_out


def _is_of_all(error: Exception) -> bool:
    """Whether the others would meet the same: a lock is not free, or the database or its connections are not available.

    Postgres has classes of errors; what has none (SQLite, a connection that fails) is no fault of one request.
    """
    if not isinstance(error, UNAVAILABLE):
        return False
    state = _sqlstate(error)
    return state is None or state[:2] in CLASSES_OF_ALL


def _sqlstate(error: Exception) -> str | None:
    original = getattr(error, "orig", None)
    return getattr(original, "pgcode", None) or getattr(original, "sqlstate", None)


def _failed(error: Exception, one: StoreRequest) -> Reply:
    if isinstance(error, UNAVAILABLE):
        log.warning("a runner's request has to be sent again", key=one.key, reason=str(getattr(error, "orig", error)))
        return AGAIN
    if isinstance(error, InvalidRow):
        log.warning("a row is damaged", key=one.key, task_instance=str(one.instance), reason=str(error))
        return _refused(str(error), store_keys.DAMAGED)
    if isinstance(error, StatementError):
        error.hide_parameters = True  # they are data of users
    log.error("a runner's request failed", key=one.key, task_instance=str(one.instance), exc_info=error)
    return FAULT


def _refused(message: str, reason: str = "conflict") -> Reply:
    """Answer as Airflow's own route does when the backend raises ``refusal``."""
    error = refusal(message, reason)
    return Reply(error.status_code, {"detail": error.detail})


@together
def read(session: Session, asked: Sequence[StoreRequest]) -> Replies:
    """Subtasks start, or runners fetch an answer: rows of their own store."""
    found = runner.of_instances(session, {one.instance for one in asked})
    wanted = [(found[one.instance], key) for one in asked if one.instance in found for key in _rows(one.key)]
    values = _values(session, wanted)
    starts = SubtaskStarts(session, backend.materializer())
    return [_read(found.get(one.instance), one.key, values, starts) for one in asked]


def _rows(key: str) -> tuple[str, ...]:
    """Return the keys of the rows that the value of a key is made of."""
    if key.startswith(store_keys.ANSWER_TO):
        return (store_keys.ANSWER,)
    return (store_keys.ITEM, store_keys.CONTINUED) if key == store_keys.ITEM else (key,)


def _read(asking: Runner | None, key: str, values: Values, starts: SubtaskStarts) -> Reply | None:
    if asking is None:
        return PASSED
    value = values.get((asking.run.id, *asking.place, _rows(key)[0]))
    if key.startswith(store_keys.ANSWER_TO):
        value = backend.answered(value, key)
    if value is None:
        return PASSED
    if key == store_keys.ITEM:
        life = values.get((asking.run.id, *asking.place, store_keys.CONTINUED))
        content = stored(starts.item(asking, rows.item(value), done=is_continued(life, asking.life)))
    else:
        content = rows.parsed(value)
    return Reply(HTTPStatus.OK, {"value": content}, run=asking.run.id)


def _values(session: Session, wanted: Collection[tuple[Runner, str]]) -> Values:
    row = Store.dag_run_id, Store.task_id, Store.map_index, Store.key
    rows = [(asking.run.id, *asking.place, key) for asking, key in wanted]
    query = select(*row, Store.value).where(tuple_(*row).in_(rows))
    return {(run, task, index, key): value for run, task, index, key, value in session.execute(query)} if rows else {}


@together
def grace(session: Session, asked: Sequence[StoreRequest]) -> Replies:
    """Runners that are asked to end ask for how long their work may clean up.

    Also those whose task instances were cleared since, which Airflow's own route does not find any more.
    """
    found = run_end.graces(session, {one.instance for one in asked})
    values = [found[one.instance][1].grace if one.instance in found else None for one in asked]
    return [PASSED if value is None else Reply(HTTPStatus.OK, {"value": value}) for value in values]


@together
def locate(session: Session, asked: Sequence[StoreRequest]) -> Replies:
    """Find the runs of runners whose runs are not known yet."""
    found = runner.of_instances(session, {one.instance for one in asked})
    runs = [asking.run.id if (asking := found.get(one.instance)) else None for one in asked]
    return [PASSED if run is None else Reply(HTTPStatus.NO_CONTENT, run=run) for run in runs]


@together
def keep(session: Session, asked: Sequence[StoreRequest]) -> Replies:
    """Subtasks have ended. Those that failed for good are gathered by run: its state is locked for them."""
    found = runner.of_instances(session, {one.instance for one in asked})
    there = [(found[one.instance], one.value) for one in asked if one.instance in found]
    refused = backend.keep(session, backend.materializer(), there)
    return [_kept(found.get(one.instance), refused) for one in asked]


def _kept(asking: Runner | None, refused: Mapping[Runner, str]) -> Reply | None:
    if asking is None:
        return PASSED
    return _refused(refused[asking]) if asking in refused else KEPT


@together
def progress(session: Session, asked: Sequence[StoreRequest]) -> Replies:
    """Subtasks report their progress."""
    found = runner.of_instances(session, {one.instance for one in asked})
    latest = {asking: one for one in asked if (asking := found.get(one.instance)) and asking.works}
    for asking in sorted(latest, key=lambda one: (one.run.id, one.place)):
        one = latest[asking]
        state_store.put(session, [(asking.run, *asking.place, one.key, one.value)], one.expires_at)
    return [KEPT if one.instance in found else PASSED for one in asked]


@together
def answer(session: Session, asked: Sequence[StoreRequest]) -> Replies:
    """Requests by the runners of one run, which need the same locks.

    Who asks is read under the lock of the run's state: a runner that another one has replaced while it waited is
    refused.
    """
    ids = {one.instance for one in asked}
    before = runner.of_instances(session, ids)
    run = next((asking.run for asking in before.values()), None)
    if run is None:
        return [PASSED] * len(asked)
    tasks = {(one.key, before[one.instance].step) for one in asked if one.instance in before}
    locked = backend.ask(session, run, backend.materializer(), tasks)
    found = runner.of_instances(session, ids)
    requests = [RunnerRequest(*found[one.instance].place, one.value) for one in asked if one.instance in found]
    answers = locked.answer(requests, {asking.place: asking for asking in found.values()})
    return [_answered(found.get(one.instance), one, answers) for one in asked]


def _answered(asking: Runner | None, one: StoreRequest, answers: Answers) -> Reply | None:
    if asking is None:
        return PASSED
    return Reply(HTTPStatus.NO_CONTENT, answer=answers.get((asking.place, one.value.call)))


@together
def take(session: Session, asked: Sequence[StoreRequest]) -> Replies:
    """Runners of batches of one run begin the next subtask that was announced to them.

    Their batches are locked before it is read who they are, as for ``answer``.
    """
    ids = {one.instance for one in asked}
    for asking in sorted(runner.of_instances(session, ids).values(), key=lambda one: one.place):
        state_store.locked(session, asking.run, *asking.place, store_keys.BATCH)
    found = runner.of_instances(session, ids)
    return [_take(session, found.get(one.instance), one) for one in asked]


def _take(session: Session, asking: Runner | None, one: StoreRequest) -> Reply | None:
    if asking is None:
        return PASSED
    return KEPT if backend.goes_on(session, asking, one.value) else _refused(backend.NOT_NEXT)


@together
def beat(session: Session, asked: Sequence[StoreRequest]) -> Replies:
    """Runners send heartbeats: those that Airflow would accept without a further look. Airflow gets the others."""
    who = TaskInstance.id, TaskInstance.hostname, TaskInstance.pid
    sent = {(one.instance, one.value.hostname, one.value.pid) for one in asked}
    running = select(*who).where(tuple_(*who).in_(list(sent)), TaskInstance.state == TaskInstanceState.RUNNING)
    # No lock is waited for: the scheduler may have some of these rows while it waits for others.
    locked = session.execute(running.with_for_update(skip_locked=True, of=TaskInstance))
    alive = {(number, hostname, pid) for number, hostname, pid in locked}
    session.execute(
        update(TaskInstance)
        .where(TaskInstance.id.in_([number for number, _, _ in alive]))
        .values(last_heartbeat_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    refused = _graces(session, [one.instance for one in asked if _who(one) not in alive])
    return [KEPT if _who(one) in alive else refused.get(one.instance, PASSED) for one in asked]


def _who(one: StoreRequest) -> tuple[UUID, str, int]:
    return one.instance, one.value.hostname, one.value.pid


def _graces(session: Session, instances: Collection[UUID]) -> dict[UUID, Reply]:
    """Refuse the heartbeats of runners whose work may clean up for longer than Airflow's supervisor waits by itself."""
    found = run_end.graces(session, instances)
    return {number: _ending(state, end.grace) for number, (state, end) in found.items()}


def _ending(state: str | None, grace: float) -> Reply:
    """Answer as Airflow does, with the grace added: see ``patience``."""
    message = "the run was ended; the task has to end within the grace"
    detail = {"reason": "not_running", "message": message, "current_state": state, patience.GRACE: grace}
    return Reply(HTTPStatus.CONFLICT, {"detail": detail})
