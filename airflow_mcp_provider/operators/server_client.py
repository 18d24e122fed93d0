"""The operators' requests to the API server, all of them by Airflow's public ``context["task_state_store"]``.

The server's side is ``plugin.growth.backend``. Each request is a ``set``; its answer is a row that the server writes in
the transaction that did it. Where no such row appears, the server has no plugin. Only ``go_on`` needs no answer.
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import msgspec
from airflow.sdk.exceptions import AirflowRuntimeError

from airflow_mcp_provider import errors, patience
from airflow_mcp_provider.constants import BACKEND
from airflow_mcp_provider.operators import tracing
from airflow_mcp_provider.runtime import redaction, store_keys
from airflow_mcp_provider.runtime.answer_types import (
    ChildRun,
    Continued,
    Counts,
    Enqueued,
    NextAnswer,
    NextSubtask,
    OutcomesPage,
    Refused,
    TallyPage,
)
from airflow_mcp_provider.runtime.backoff import Tries
from airflow_mcp_provider.runtime.messages import AttemptOutcome, StartingItem, stored
from airflow_mcp_provider.runtime.outcome import Outcome
from airflow_mcp_provider.runtime.payload import Child
from airflow_mcp_provider.runtime.request_types import (
    Attempt,
    BatchOutcome,
    Begin,
    CallJob,
    ChildEntry,
    Confirm,
    Done,
    Enqueue,
    GoOn,
    Next,
    Progress,
    Request,
    RunNote,
)

NO_PLUGIN = (
    "the API server did not answer: it runs without the plugin of airflow-mcp-provider. Install the package there; "
    "for `airflow api-server --apps execution`, which loads no plugins, add to its configuration: "
    f"[state_store] backend = {BACKEND}. Run `airflow mcp check` for details"
)
NO_ITEM = (
    "this subtask has no item: its run was planned without the plugin, or [state_store] clear_on_success or "
    "`airflow state-store cleanup` removed the item; clear the task `plan` of the run to plan it again"
)
REASONS: dict[object, type[errors.McpError]] = {
    store_keys.DAMAGED: errors.InvalidRow,
    store_keys.MALFORMED: errors.InvalidPayload,
}
T = TypeVar("T")
PageT = TypeVar("PageT", OutcomesPage, TallyPage)


class Store(Protocol):
    """The part of Airflow's task state store accessor that is used."""

    def get(self, key: str, default: Any = None) -> Any: ...  # noqa: ANN401, D102 - Airflow's

    def set(self, key: str, value: Any) -> None: ...  # noqa: ANN401, D102


class ServerClient:
    """One task instance's requests to the server; safe from several threads.

    ``begin`` is sent with the first enqueue that succeeds. ``enqueued`` is the answer to the latest one. ``trace`` is
    the span that new subtasks link to; set here because the threads that enqueue have no current span.
    """

    def __init__(self, store: Store, begin: Begin | None = None) -> None:
        self.enqueued: Enqueued | None = None
        self.trace = tracing.traceparent()
        self._store = store
        self._begin = begin
        self._enqueuing = threading.Lock()
        self._lock = threading.Lock()
        self._count = itertools.count()
        self._name = uuid.uuid4().hex[:12]

    def enqueue(self, children: Sequence[Child]) -> int:
        """See ``runtime.ipc_server.Channel``."""
        return self.send(children).new

    def send(self, children: Sequence[Child]) -> Enqueued:
        """Enqueue, and return the whole answer; raises what the server refused."""
        entries = [ChildEntry(redaction.key(one.key), one.payload, one.job) for one in children]
        with self._enqueuing:
            request = Enqueue(call=self._call(), trace=self.trace, children=entries, begin=self._begin)
            self.enqueued = self._ask(store_keys.ENQUEUE, request, Enqueued)
            self._begin = None
            return self.enqueued

    def progress(self, fraction: float, message: str) -> None:
        """See ``runtime.ipc_server.Channel``."""
        shown = Progress(round(min(max(fraction, 0.0), 1.0), 4), redaction.text(message)[:500])
        self._store.set(store_keys.PROGRESS, stored(shown))

    def next(self, tries: Tries, ended: BatchOutcome | None, *, fresh: bool) -> NextAnswer:
        """Report how the subtask in hand ended, and return the next one of the batch or why there is none."""
        request = Next(call=self._call(), trace=self.trace, tries=tries, ended=ended, fresh=fresh)
        return self._ask(store_keys.NEXT, request, NextAnswer)  # type: ignore[arg-type]  # a union is no type

    def go_on(self, ended: BatchOutcome, following: NextSubtask) -> bool:
        """Report that the subtask in hand succeeded, and begin ``following``; False when the server refuses that."""
        request = GoOn(call=self._call(), ended=ended, begin=Attempt(following.place, following.attempt))
        try:
            with self._lock, _server_errors():
                self._store.set(store_keys.GO_ON, stored(request))
        except AirflowRuntimeError as error:
            if (error.error.detail or {}).get("status_code") != HTTPStatus.CONFLICT:
                raise
            return False
        return True

    def called(self, job: str, conf: dict[str, Any], results: dict[str, Any]) -> ChildRun:
        """Return the state of this subtask's run of ``job``, which is created when there is none.

        Of ``results``, those of the steps before, the run gets those that its params declare.
        """
        return self._ask(store_keys.CALL, CallJob(call=self._call(), job=job, conf=conf, results=results), ChildRun)

    def confirm(self) -> Counts:
        """Ask whether all subtasks have ended."""
        return self._ask(store_keys.CONFIRM, Confirm(call=self._call()), Counts)

    def _ask(self, key: str, request: Request, kind: type[T]) -> T:
        """Send a request and return its answer; raises what the server refused, InstallationError without a plugin."""
        with self._lock, _server_errors():
            self._store.set(key, stored(request))
            answer = self._store.get(store_keys.ANSWER_TO + request.call)
        if not isinstance(answer, dict) or answer.get("call") != request.call:
            raise errors.InstallationError(NO_PLUGIN)
        if "refused" in answer:
            refused = msgspec.convert(answer["refused"], Refused)
            error: type[errors.McpError] = getattr(errors, refused.type)
            raise error(refused.message)
        return msgspec.convert(answer, kind)

    def _call(self) -> str:
        return f"{self._name}.{next(self._count)}"

    def item(self) -> StartingItem:
        """Return this subtask's item; raises InstallationError when it has none."""
        with _server_errors():
            item = self._store.get(store_keys.ITEM)
        if not isinstance(item, dict):
            raise errors.InstallationError(NO_ITEM)
        return msgspec.convert(item, StartingItem)

    def outcome(self, outcome: AttemptOutcome) -> None:
        """Store how this attempt ended."""
        with _server_errors():
            self._store.set(store_keys.OUTCOME, stored(outcome))

    @property
    def ooms(self) -> int:
        """How often this subtask's memory ran out."""
        return len(self._store.get(store_keys.OOMS) or [])

    def out_of_memory(self, attempt: int) -> None:
        """Store that this attempt's memory ran out: the pod of the next one may get more."""
        known = self._store.get(store_keys.OOMS) or []
        self._store.set(store_keys.OOMS, sorted({*known, attempt}))

    def done(self, outcome: AttemptOutcome) -> None:
        """Store that this attempt succeeded, and continue in the next step: both or nothing."""
        self._ask(store_keys.DONE, Done(call=self._call(), trace=self.trace, outcome=outcome), Continued)

    def outcomes(self) -> Iterator[Outcome]:
        """Every ended subtask, step by step in the order of map indexes, a page in memory at a time."""
        for page in self._pages(store_keys.OUTCOMES, OutcomesPage):
            yield from page.outcomes

    def tallies(self) -> Iterator[TallyPage]:
        """How many outcomes there are, page by page: see ``plugin.growth.tally``."""
        return self._pages(store_keys.TALLY, TallyPage)

    def _pages(self, key: str, kind: type[PageT]) -> Iterator[PageT]:
        place: str | None = store_keys.FIRST_PAGE
        while place is not None:
            with _server_errors():
                found = self._store.get(f"{key}{place}")
            if not isinstance(found, dict):
                raise errors.InstallationError(NO_PLUGIN)
            page = msgspec.convert(found, kind)
            yield page
            place = page.next

    def grace(self) -> float:
        """Return the seconds in which the work of this runner, which is asked to end, may clean up; 0: none."""
        if received := patience.received():
            return received
        seconds = self._store.get(store_keys.GRACE)
        grace = float(seconds) if isinstance(seconds, int | float) else 0.0
        return grace if patience.is_installed() else min(grace, patience.SHORT)

    def verdict(self, note: str) -> None:
        """Show ``note`` beside the run; an empty one removes what an earlier try has shown."""
        self._store.set(store_keys.VERDICT, stored(RunNote(redaction.text(note))))


@contextmanager
def _server_errors() -> Iterator[None]:
    """Raise the server's error as one of ours, where it has a reason of ours: Airflow's own would be tried again."""
    try:
        yield
    except AirflowRuntimeError as error:
        answer = (error.error.detail or {}).get("detail")
        detail = answer.get("detail") if isinstance(answer, dict) else None
        if not isinstance(detail, dict) or (kind := REASONS.get(detail.get("reason"))) is None:
            raise
        raise kind(detail["message"]) from None


class ThrottledChannel:
    """Pass on a subtask's progress at most every ``every`` seconds, and always the latest."""

    def __init__(self, client: ServerClient, every: float = 0.5) -> None:
        self._client = client
        self._every = every
        self._latest: tuple[float, str] | None = None
        self._lock = threading.Lock()
        self._sent = 0.0
        self._timer: threading.Timer | None = None

    def enqueue(self, children: Sequence[Child]) -> int:
        """Pass on."""
        return self._client.enqueue(children)

    def progress(self, fraction: float, message: str) -> None:
        """Send now, or as soon as ``every`` seconds have passed since the last time."""
        with self._lock:
            self._latest = (fraction, message)
            if self._timer is None:
                wait = max(0.0, self._sent + self._every - time.monotonic())
                self._timer = threading.Timer(wait, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Send what waits; called once more when the work has ended."""
        with self._lock:
            latest, self._latest = self._latest, None
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
            self._sent = time.monotonic()
        if latest is not None:
            self._client.progress(*latest)
