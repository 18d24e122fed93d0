"""The operators' calls to the API server, all of them on Airflow's public ``context["task_state_store"]``.

The server's side is ``plugin.growth.backend``. Each question is a ``set``, its answer a row that the server writes in
the transaction that did it; where no such row appears, the server has no plugin. Only ``go_on`` needs no answer.
"""

from __future__ import annotations

import copy
import itertools
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Protocol, Self

from airflow.sdk.exceptions import AirflowRuntimeError

from airflow_mcp_provider import errors
from airflow_mcp_provider.constants import BACKEND
from airflow_mcp_provider.runtime import protocol, redaction
from airflow_mcp_provider.runtime.outcome import Outcome
from airflow_mcp_provider.runtime.payload import Child

NO_PLUGIN = (
    "the API server did not answer: it runs without the plugin of airflow-mcp-provider. Install the package there; "
    "for `airflow api-server --apps execution`, which loads no plugins, add to its configuration: "
    f"[state_store] backend = {BACKEND}. `airflow mcp check` tells more"
)


class Store(Protocol):
    """The part of Airflow's task state store accessor that is used."""

    def get(self, key: str, default: Any = None) -> Any: ...  # noqa: ANN401, D102 - Airflow's

    def set(self, key: str, value: Any) -> None: ...  # noqa: ANN401, D102


class Link:
    """Ask the server; safe from several threads.

    ``about`` is sent with every enqueue (parent and depth), ``opening`` with the first that succeeds. ``planned``
    is the answer to the latest.
    """

    def __init__(self, store: Store, about: dict[str, Any], opening: dict[str, Any] | None = None) -> None:
        self.planned: dict[str, Any] | None = None
        self._store = store
        self.about = about
        self._opening = opening or {}
        self._enqueuing = threading.Lock()
        self._lock = threading.Lock()
        self._count = itertools.count()
        self._name = uuid.uuid4().hex[:12]

    def of(self, parent: str, depth: int) -> Self:
        """Return the same line for one subtask of several that a runner does."""
        one = copy.copy(self)
        one.about = {"parent": parent, "depth": depth}
        return one

    def enqueue(self, children: Sequence[Child]) -> int:
        """See ``runtime.ipc_server.Channel``."""
        listed = [[redaction.key(one.key), one.payload, *([one.job] if one.job else [])] for one in children]
        with self._enqueuing:
            self.planned = self.ask(protocol.ENQUEUE, {**self.about, **self._opening, "children": listed})
            self._opening = {}
            return int(self.planned["new"])

    def progress(self, fraction: float, message: str) -> None:
        """See ``runtime.ipc_server.Channel``."""
        told = redaction.text(message)[:500]
        self._store.set(protocol.PROGRESS, {"fraction": round(min(max(fraction, 0.0), 1.0), 4), "message": told})

    def ask(self, question: str, body: dict[str, Any]) -> dict[str, Any]:
        """Set ``question`` and read its answer; raises what the server refused, InstallationError without a plugin."""
        with self._lock:
            call = self._call()
            with _damage_told():
                self._store.set(question, {**body, "call": call})
                answer = self._store.get(protocol.ANSWER_TO + call)
        if not isinstance(answer, dict) or answer.get("call") != call:
            raise errors.InstallationError(NO_PLUGIN)
        if refused := answer.get("refused"):
            kind: type[errors.McpError] = getattr(errors, refused["type"])
            raise kind(refused["message"])
        return answer

    def _call(self) -> str:
        return f"{self._name}.{next(self._count)}"

    def item(self) -> dict[str, Any]:
        """Return this subtask's item; raises InstallationError when it has none."""
        with _damage_told():
            item = self._store.get(protocol.ITEM)
        if not isinstance(item, dict):
            raise errors.InstallationError(
                "this subtask has no item: its run was planned without the plugin, or [state_store] clear_on_success "
                "or `airflow state-store cleanup` removed it; clear the task `plan` of the run to plan it again"
            )
        return item

    def outcome(self, value: dict[str, Any]) -> None:
        """Keep what this attempt ended with."""
        self._store.set(protocol.OUTCOME, value)

    @property
    def ooms(self) -> int:
        """How often this subtask's memory ran out."""
        return len(self._store.get(protocol.OOMS) or [])

    def out_of_memory(self, attempt: int) -> None:
        """Keep that this attempt's memory ran out: the pod of the next one may get more."""
        known = self._store.get(protocol.OOMS) or []
        self._store.set(protocol.OOMS, sorted({*known, attempt}))

    def done(self, value: dict[str, Any]) -> None:
        """Keep what this attempt ended with, well, and go on in the next step: both or nothing."""
        self.ask(protocol.DONE, {"outcome": value})

    def go_on(self, ended: dict[str, Any], following: dict[str, Any]) -> bool:
        """Tell that the subtask in hand ended well, and begin ``following``; False when the server has it otherwise."""
        taking = {name: following[name] for name in ("place", "attempt")}
        try:
            with self._lock:
                self._store.set(protocol.GO_ON, {"ended": ended, "taking": taking, "call": self._call()})
        except AirflowRuntimeError as error:
            if (error.error.detail or {}).get("status_code") != HTTPStatus.CONFLICT:
                raise
            return False
        return True

    def called(self, job: str, conf: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
        """How far this subtask's run of ``job`` is; it is made when there is none.

        Of ``results``, those of the steps before, it is given what its params declare.
        """
        answer = self.ask(protocol.CALL, {"job": job, "conf": conf, "results": results})
        return {name: answer.get(name) for name in ("run", "state", "waited", "report")}

    def outcomes(self) -> Iterator[Outcome]:
        """Every ended subtask, step by step in the order of map indexes, a page in memory at a time."""
        for page in self._pages(protocol.OUTCOMES):
            yield from map(Outcome.from_wire, page["outcomes"])

    def tallies(self) -> Iterator[dict[str, Any]]:
        """How many outcomes there are, page by page: see ``plugin.growth.tally``."""
        return self._pages(protocol.TALLY)

    def _pages(self, word: str) -> Iterator[dict[str, Any]]:
        place: str | None = protocol.FIRST_PAGE
        while place is not None:
            with _damage_told():
                page = self._store.get(f"{word}{place}")
            if not isinstance(page, dict):
                raise errors.InstallationError(NO_PLUGIN)
            yield page
            place = page["next"]

    def verdict(self, note: str) -> None:
        """Show ``note`` beside the run; an empty one removes what an earlier try has shown."""
        self._store.set(protocol.VERDICT, {"note": redaction.text(note)})


@contextmanager
def _damage_told() -> Iterator[None]:
    """Raise InvalidRow where the server says that a row is damaged: Airflow's own error would be tried again."""
    try:
        yield
    except AirflowRuntimeError as error:
        answer = (error.error.detail or {}).get("detail")
        told = answer.get("detail") if isinstance(answer, dict) else None
        if not isinstance(told, dict) or told.get("reason") != protocol.DAMAGED:
            raise
        raise errors.InvalidRow(told["message"]) from None


class Progress:
    """Write a subtask's progress at most every ``every`` seconds, the latest word always."""

    def __init__(self, link: Link, every: float = 0.5) -> None:
        self._link = link
        self._every = every
        self._latest: tuple[float, str] | None = None
        self._lock = threading.Lock()
        self._sent = 0.0
        self._timer: threading.Timer | None = None

    def enqueue(self, children: Sequence[Child]) -> int:
        """Pass on."""
        return self._link.enqueue(children)

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
            self._link.progress(*latest)
