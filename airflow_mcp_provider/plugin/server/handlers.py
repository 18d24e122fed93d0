"""What runners ask most, carried out in the database for many of them at once.

Runs in the threads of ``lanes``. Each function takes what has gathered and gives a reply for each, in order; what is
not plainly right (the task instance is gone, there is no such row, another process has it) is PASSED to Airflow's own
route, which says so. A statement waits for a row lock for ``backend.LOCK_TIMEOUT_MS`` at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, tuple_, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import clock, locks, rows, state_store
from airflow_mcp_provider.plugin.db.tables import Store, TaskInstance, TaskInstanceState, create_session
from airflow_mcp_provider.plugin.growth import backend, runner
from airflow_mcp_provider.plugin.growth.airflow_internals import refusal
from airflow_mcp_provider.plugin.growth.run_requests import Answers, Question
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.plugin.growth.subtask_start import Starts
from airflow_mcp_provider.runtime import protocol

LOCKED, DEADLOCK = "55P03", "40P01"
"""Postgres's codes of an error."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """One runner's request: the id of its task instance, the key, what it sends (None: it reads), about its bytes.

    ``expires_at`` is when a value may be removed, None for never.
    """

    instance: UUID
    key: str
    value: Any = None
    size: int = 0
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of HTTP; ``told`` is what ``mcp.answer`` of the call that was asked now holds; ``run`` whose it is."""

    status: int
    content: Any = None
    told: Any = None
    run: int | None = None


KEPT = Reply(HTTPStatus.NO_CONTENT)
PASSED: Reply | None = None
AGAIN = Reply(HTTPStatus.SERVICE_UNAVAILABLE, {"detail": "the database is busy; the same request again is right"})
FAULT = Reply(HTTPStatus.INTERNAL_SERVER_ERROR, {"detail": "Internal Server Error"})

Replies = Sequence[Reply | None]
Work = Callable[[Sequence[Asked]], Replies]
Values = dict[tuple[int, str, int, str], str]
"""By run, task, map index and key."""


def together(work: Callable[[Session, Sequence[Asked]], Replies]) -> Work:
    """Make ``work`` one transaction; where it fails, each half of the requests has one, down to the one that fails."""

    @wraps(work)
    def carried_out(asked: Sequence[Asked]) -> Replies:
        try:
            with create_session(scoped=False) as session:
                locks.limit_waiting(session, backend.LOCK_TIMEOUT_MS)
                return work(session, asked)
        except Exception as error:  # noqa: BLE001 - each runner is told of its own
            if len(asked) == 1 or _is_of_all(error):
                return [_failed(error, one) for one in asked]
            half = len(asked) // 2
            return [*carried_out(asked[:half]), *carried_out(asked[half:])]

    return carried_out


def _is_of_all(error: Exception) -> bool:
    """Whether the others would meet the same: the run is locked, or the database does not answer."""
    if not isinstance(error, OperationalError):
        return False
    return error.connection_invalidated or getattr(error.orig, "pgcode", None) in {LOCKED, DEADLOCK}


def _failed(error: Exception, one: Asked) -> Reply:
    if isinstance(error, OperationalError):
        log.warning("a runner is told to ask again", key=one.key, reason=str(error.orig))
        return AGAIN
    if isinstance(error, InvalidRow):
        log.warning("a row is damaged", key=one.key, task_instance=str(one.instance), reason=str(error))
        return _refused(str(error), protocol.DAMAGED)
    log.error("a runner's request failed", key=one.key, task_instance=str(one.instance), exc_info=error)
    return FAULT


def _refused(message: str, reason: str = "conflict") -> Reply:
    """Answer as Airflow's own route does when the backend raises ``refusal``."""
    error = refusal(message, reason)
    return Reply(error.status_code, {"detail": error.detail})


@together
def read(session: Session, asked: Sequence[Asked]) -> Replies:
    """Subtasks start, or runners fetch an answer: rows of their own store."""
    found = runner.of_instances(session, {one.instance for one in asked})
    values = _values(session, [(found[one.instance], _stored(one.key)) for one in asked if one.instance in found])
    starts = Starts(session, backend.settler())
    return [_read(found.get(one.instance), one.key, values, starts) for one in asked]


def _stored(key: str) -> str:
    return protocol.ANSWER if key.startswith(protocol.ANSWER_TO) else key


def _read(asking: Runner | None, key: str, values: Values, starts: Starts) -> Reply | None:
    if asking is None:
        return PASSED
    value = values.get((asking.run.id, *asking.place, _stored(key)))
    if key.startswith(protocol.ANSWER_TO):
        value = backend.answered(value, key)
    if value is None:
        return PASSED
    content = starts.item(asking, rows.item(value)) if key == protocol.ITEM else rows.parsed(value)
    return Reply(HTTPStatus.OK, {"value": content}, run=asking.run.id)


def _values(session: Session, wanted: Sequence[tuple[Runner, str]]) -> Values:
    row = Store.dag_run_id, Store.task_id, Store.map_index, Store.key
    rows = [(asking.run.id, *asking.place, key) for asking, key in wanted]
    query = select(*row, Store.value).where(tuple_(*row).in_(rows))
    return {(run, task, index, key): value for run, task, index, key, value in session.execute(query)} if rows else {}


@together
def locate(session: Session, asked: Sequence[Asked]) -> Replies:
    """Tell the runs of runners that nothing is known of yet."""
    found = runner.of_instances(session, {one.instance for one in asked})
    runs = [asking.run.id if (asking := found.get(one.instance)) else None for one in asked]
    return [PASSED if run is None else Reply(HTTPStatus.NO_CONTENT, run=run) for run in runs]


@together
def keep(session: Session, asked: Sequence[Asked]) -> Replies:
    """Subtasks have ended. Those that failed for good come by their run's lane: its counter is locked for them."""
    found = runner.of_instances(session, {one.instance for one in asked})
    there = [(found[one.instance], one.value) for one in asked if one.instance in found]
    backend.keep(session, backend.settler(), there)
    return [KEPT if one.instance in found else PASSED for one in asked]


@together
def tell(session: Session, asked: Sequence[Asked]) -> Replies:
    """Subtasks tell how far they are."""
    found = runner.of_instances(session, {one.instance for one in asked})
    latest = {found[one.instance]: one for one in asked if one.instance in found}
    for asking in sorted(latest, key=lambda one: (one.run.id, one.place)):
        one = latest[asking]
        state_store.put(session, [(asking.run, *asking.place, one.key, one.value)], one.expires_at)
    return [KEPT if one.instance in found else PASSED for one in asked]


@together
def answer(session: Session, asked: Sequence[Asked]) -> Replies:
    """Questions by the runners of one run, which need the same locks.

    Who asks is read under the lock of the run's counter: a runner that another one has replaced while it waited is not
    heard any more.
    """
    ids = {one.instance for one in asked}
    run = next((asking.run for asking in runner.of_instances(session, ids).values()), None)
    if run is None:
        return [PASSED] * len(asked)
    locked = backend.ask(session, run, backend.settler(), asked[0].key)
    found = runner.of_instances(session, ids)
    questions = [Question(*found[one.instance].place, one.key, one.value) for one in asked if one.instance in found]
    told = locked.answer(questions, {asking.place: asking for asking in found.values()})
    return [_answered(found.get(one.instance), one, told) for one in asked]


def _answered(asking: Runner | None, one: Asked, told: Answers) -> Reply | None:
    if asking is None:
        return PASSED
    return Reply(HTTPStatus.NO_CONTENT, told=told.get((asking.place, one.value["call"])))


@together
def take(session: Session, asked: Sequence[Asked]) -> Replies:
    """Runners of batches of one run go on with the next subtask that they were told of.

    Their batches are locked before it is read who they are, as for ``answer``.
    """
    ids = {one.instance for one in asked}
    for asking in sorted(runner.of_instances(session, ids).values(), key=lambda one: one.place):
        state_store.locked(session, asking.run, *asking.place, protocol.BATCH)
    found = runner.of_instances(session, ids)
    return [_take(session, found.get(one.instance), one) for one in asked]


def _take(session: Session, asking: Runner | None, one: Asked) -> Reply | None:
    if asking is None:
        return PASSED
    return KEPT if backend.goes_on(session, asking, one.value) else _refused(backend.NOT_NEXT)


@together
def beat(session: Session, asked: Sequence[Asked]) -> Replies:
    """Runners live: the heartbeats that Airflow would take without a further look; it looks at the others."""
    who = TaskInstance.id, TaskInstance.hostname, TaskInstance.pid
    sent = {(one.instance, one.value.hostname, one.value.pid) for one in asked}
    running = select(*who).where(tuple_(*who).in_(list(sent)), TaskInstance.state == TaskInstanceState.RUNNING)
    # Nobody is waited for: the scheduler may have some of these rows while it waits for others.
    locked = session.execute(running.with_for_update(skip_locked=True, of=TaskInstance))
    alive = {(number, hostname, pid) for number, hostname, pid in locked}
    session.execute(
        update(TaskInstance)
        .where(TaskInstance.id.in_([number for number, _, _ in alive]))
        .values(last_heartbeat_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return [KEPT if (one.instance, one.value.hostname, one.value.pid) in alive else PASSED for one in asked]
