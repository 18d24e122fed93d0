"""What runners ask most, carried out in the database for many of them at once.

Runs in the threads of ``lanes``. Each function takes what has gathered and gives a reply for each, in order; what is
not plainly right (the task instance is gone, there is no such row, another process has it) is PASSED to Airflow's own
route, which says so. Row locks are waited for a moment, or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, tuple_, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from airflow_mcp_provider.errors import McpError
from airflow_mcp_provider.plugin import backend, store
from airflow_mcp_provider.plugin.growth import runner as runners
from airflow_mcp_provider.plugin.growth.questions import Question, Questions
from airflow_mcp_provider.plugin.growth.runner import Runner
from airflow_mcp_provider.plugin.growth.starts import Starts
from airflow_mcp_provider.plugin.growth.taking import go_on
from airflow_mcp_provider.plugin.tables import Store, TaskInstance, TaskInstanceState, create_session
from airflow_mcp_provider.runtime import wire

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """One runner's request: the id of its task instance, the key, what it sends (None: it reads), about its bytes."""

    instance: UUID
    key: str
    value: Any = None
    size: int = 0


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
CHANGED = "that subtask is not the next one of this runner: it asks which is"
NOT_NEXT = Reply(HTTPStatus.CONFLICT, {"detail": {"reason": "conflict", "message": CHANGED}})

Replies = Sequence[Reply | None]
Work = Callable[[Sequence[Asked]], Replies]


def together(work: Callable[[Session, Sequence[Asked]], Replies]) -> Work:
    """Make ``work`` one transaction; where it fails, and not for a lock, each request has one of its own."""

    @wraps(work)
    def carried_out(asked: Sequence[Asked]) -> Replies:
        try:
            with create_session(scoped=False) as session:
                store.limit_waiting(session, backend.LOCK_TIMEOUT_MS)
                return work(session, asked)
        except OperationalError as error:
            log.warning("requests of runners were not carried out", count=len(asked), reason=str(error.orig))
            return [AGAIN] * len(asked)
        except Exception:
            if len(asked) == 1:
                log.exception("a runner's request failed", key=asked[0].key, task_instance=str(asked[0].instance))
                return [FAULT]
            return [reply for one in asked for reply in carried_out([one])]

    return carried_out


@together
def read(session: Session, asked: Sequence[Asked]) -> Replies:
    """Subtasks start, or runners fetch an answer: rows of their own store."""
    found = runners.of_instances(session, {one.instance for one in asked})
    values = _values(session, list(found.values()))
    starts = Starts(session, backend.settler())
    return [_read(found.get(one.instance), one.key, values, starts) for one in asked]


def _read(
    runner: Runner | None, key: str, values: dict[tuple[int, str, int, str], str], starts: Starts
) -> Reply | None:
    if runner is None:
        return PASSED
    stored = wire.ANSWER if key.startswith(wire.ANSWER_TO) else key
    value = values.get((runner.run.id, *runner.place, stored))
    if key.startswith(wire.ANSWER_TO):
        value = backend.answered(value, key)
    if value is None:
        return PASSED
    content = json.loads(value)
    if key == wire.ITEM:
        content = starts.item(runner, content)
    return Reply(HTTPStatus.OK, {"value": content}, run=runner.run.id)


def _values(session: Session, readers: Sequence[Runner]) -> dict[tuple[int, str, int, str], str]:
    place = tuple_(Store.dag_run_id, Store.task_id, Store.map_index)
    query = select(Store.dag_run_id, Store.task_id, Store.map_index, Store.key, Store.value).where(
        place.in_([(runner.run.id, *runner.place) for runner in readers]), Store.key.in_([wire.ITEM, wire.ANSWER])
    )
    return {(number, *named): value for number, *named, value in session.execute(query)} if readers else {}  # type: ignore[misc]  # unpacked


@together
def locate(session: Session, asked: Sequence[Asked]) -> Replies:
    """Tell the runs of runners that nothing is known of yet."""
    found = runners.of_instances(session, {one.instance for one in asked})
    runs = [runner.run.id if (runner := found.get(one.instance)) else None for one in asked]
    return [PASSED if run is None else Reply(HTTPStatus.NO_CONTENT, run=run) for run in runs]


@together
def keep(session: Session, asked: Sequence[Asked]) -> Replies:
    """Subtasks have ended, or tell how far they are."""
    found = runners.of_instances(session, {one.instance for one in asked})
    there = [(found[one.instance], one) for one in asked if one.instance in found]
    backend.keep(session, backend.settler(), [(runner, one.value) for runner, one in there if one.key == wire.OUTCOME])
    progress = {(runner.run, *runner.place, one.key): one.value for runner, one in there if one.key == wire.PROGRESS}
    store.put(session, [(*names, value) for names, value in progress.items()])
    return [KEPT if one.instance in found else PASSED for one in asked]


@together
def answer(session: Session, asked: Sequence[Asked]) -> Replies:
    """Questions of the runners of one run.

    Who asks is read under the lock of the run's counter: a runner that another one has replaced while it waited is not
    heard any more.
    """
    ids = {one.instance for one in asked}
    run = next((runner.run for runner in runners.of_instances(session, ids).values()), None)
    if run is None:
        return [PASSED] * len(asked)
    locked = Questions(session, run, backend.settler())
    found = runners.of_instances(session, ids)
    questions = [Question(*found[one.instance].place, one.key, one.value) for one in asked if one.instance in found]
    told = locked.answer(questions, {runner.place: runner for runner in found.values()})
    return [_answered(found.get(one.instance), one, told) for one in asked]


def _answered(runner: Runner | None, one: Asked, told: dict[tuple[str, int], dict[str, Any]]) -> Reply | None:
    if runner is None:
        return PASSED
    answer_to = told.get(runner.place)
    heard = answer_to is not None and answer_to["call"] == one.value["call"]
    return Reply(HTTPStatus.NO_CONTENT, told=answer_to if heard else None)


@together
def take(session: Session, asked: Sequence[Asked]) -> Replies:
    """Runners of batches go on with the next subtask that they were told of."""
    found = runners.of_instances(session, {one.instance for one in asked})
    return [_take(session, found.get(one.instance), one) for one in asked]


def _take(session: Session, runner: Runner | None, one: Asked) -> Reply | None:
    if runner is None:
        return PASSED
    try:
        with session.begin_nested():
            return KEPT if go_on(session, runner.running(), one.value) else NOT_NEXT
    except McpError:
        return NOT_NEXT


@together
def beat(session: Session, asked: Sequence[Asked]) -> Replies:
    """Runners live: the heartbeats that Airflow would take without a further look; it looks at the others."""
    sent = {one.instance: (one.instance, one.value.hostname, one.value.pid) for one in asked}
    same = tuple_(TaskInstance.id, TaskInstance.hostname, TaskInstance.pid).in_(list(sent.values()))
    running = select(TaskInstance.id).where(same, TaskInstance.state == TaskInstanceState.RUNNING)
    # Nobody is waited for: the scheduler may have some of these rows while it waits for others.
    alive = set(session.scalars(running.with_for_update(skip_locked=True, of=TaskInstance)))
    session.execute(
        update(TaskInstance)
        .where(TaskInstance.id.in_(alive))
        .values(last_heartbeat_at=datetime.now(UTC))
        .execution_options(synchronize_session=False)
    )
    return [KEPT if one.instance in alive else PASSED for one in asked]
