"""Make task instances in the background of an API server, where a request could not: the scheduler held the run.

An enqueue is answered as soon as its children are durable. When this process dies before they are task instances, the
next enqueue, the next subtask that starts, or at last the report of the run makes them.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, SessionTransaction
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_when_event_set, wait_fixed

from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.tables import create_session
from airflow_mcp_provider.plugin.growth import materialize

THREADS = 2
TRIES = 15
"""Each waits for the run's lock up to materialize.LOCK_TIMEOUT_MS: together a minute."""
PAUSE_S = 0.2
NEXT = "an enqueue, a start or the report of the run makes its task instances"
WANTED = "mcp materialize"
"""In a session: the runs to materialize after its transaction."""

log = structlog.get_logger(__name__)


class Materializer:
    """A few threads, and at most one run in each at a time."""

    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="mcp-materializer")
        self._waiting: set[RunRef] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._retrying = Retrying(
            retry=retry_if_exception_type(OperationalError),  # the lock's time limit
            stop=stop_after_attempt(TRIES) | stop_when_event_set(self._stopped),
            wait=wait_fixed(PAUSE_S),
            reraise=True,
        )

    def stop(self) -> None:
        """Drop what waits, and return when the threads have ended: an enqueue or the report makes what is missing."""
        with self._lock:
            self._stopped.set()
        self._pool.shutdown(cancel_futures=True)

    def after_commit(self, session: Session, run: RunRef) -> None:
        """Materialize ``run`` after the transaction of ``session``; asked twice for a run, it is done once."""
        if WANTED not in session.info:
            session.info[WANTED] = set()
            event.listen(session, "after_transaction_end", self._ended)
        session.info[WANTED].add(run)

    def _ended(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:  # not the end of a savepoint
            runs = set(session.info[WANTED])
            session.info[WANTED].clear()
            for run in runs:
                self.request(run)

    def request(self, run: RunRef) -> None:
        """Materialize ``run`` soon; asked twice before it begins, it is done once, and after ``stop`` not at all."""
        with self._lock:
            if run not in self._waiting and not self._stopped.is_set():
                self._waiting.add(run)
                self._pool.submit(self._materialize, run)

    def _materialize(self, run: RunRef) -> None:
        try:
            self._retrying(self._try, run)
        except OperationalError as error:
            log.error("the run is locked or the database does not answer", run=run, reason=str(error.orig), next=NEXT)  # noqa: TRY400 - the trace says nothing more
        except Exception:
            log.exception("task instances could not be made", run=run, next=NEXT)

    def _try(self, run: RunRef) -> None:
        with self._lock:
            self._waiting.discard(run)
        with create_session(scoped=False) as session:
            materialize.materialize(session, run, wait=True)
