"""The thread of an API server that carries out what users do to a run, which has to wait for the scheduler's lock.

A request that waits for it has neither a thread nor a connection: this thread has both, and they are counted in
``server.middleware``. A report's last request (``store_keys.CONFIRM``) waits for the same lock, for longer at once, in
a thread of its own: a cancel does not stand behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_delay, wait_random

from airflow_mcp_provider.plugin.control.refused import ControlRefused
from airflow_mcp_provider.plugin.db import locks
from airflow_mcp_provider.plugin.db.tables import create_session

T = TypeVar("T")
THREADS = 1
LOCK_TIMEOUT_MS = 1_000
PATIENCE_S = 60
"""A scheduler holds a run for as long as it examines it: seconds, for a run of thousands of task instances."""
PAUSE_S = (0.05, 0.3)
NAME = "mcp-waits-for-scheduler"
NOTHING = "nothing was changed"

log = structlog.get_logger(__name__)


def pool() -> ThreadPoolExecutor:
    """Return the thread of this process; it ends with the server, which keeps it."""
    made = _pools.get(NAME)
    if made is None:
        made = _pools[NAME] = ThreadPoolExecutor(THREADS, thread_name_prefix=NAME)
    return made


_pools: WeakValueDictionary[str, ThreadPoolExecutor] = WeakValueDictionary()


async def carry_out(work: Callable[[Session], T], so_far: str = NOTHING) -> T:
    """Execute ``work`` in a transaction of its own; after a deadlock, or without the lock, again.

    ``so_far`` says what earlier transactions of the request have done. Raises what ``work`` raises, and ControlRefused
    (503) when the lock was not free for ``PATIENCE_S``.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(OperationalError), stop=stop_after_delay(PATIENCE_S), wait=wait_random(*PAUSE_S)
    )
    try:
        return await retrying(_in_thread, work)
    except RetryError as error:
        log.warning("a request of a user was given up", reason=str(error.last_attempt.exception()).partition("\n")[0])
        text = f"the scheduler has held the run for {PATIENCE_S} s; {so_far}, send the same request again"
        raise ControlRefused("busy", text, HTTPStatus.SERVICE_UNAVAILABLE, retry_after=1) from error


async def _in_thread(work: Callable[[Session], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool(), _once, work)


def _once(work: Callable[[Session], T]) -> T:
    with create_session(scoped=False) as session:
        locks.limit_waiting(session, LOCK_TIMEOUT_MS)
        return work(session)
