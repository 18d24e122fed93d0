"""``JobClient``: the client for programs without an event loop.

Its methods are described in ``calls`` and ``streams``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from airflow_mcp_provider.client import calls, streams
from airflow_mcp_provider.client.calls import Call, Listing
from airflow_mcp_provider.client.models import Run
from airflow_mcp_provider.client.patience import PATIENCE_S, TIMEOUT_S, Deadline, policy, result_of
from airflow_mcp_provider.client.streams import Stream

if TYPE_CHECKING:
    import httpx

P = ParamSpec("P")
T = TypeVar("T")


class _Connection:
    """Sends calls with the credentials of one user."""

    def __init__(  # noqa: PLR0913 - where, as whom, and how long
        self,
        url: str,
        *,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        patience: float = PATIENCE_S,
        timeout: float = TIMEOUT_S,
    ) -> None:
        from airflow_mcp_provider.client import sending  # noqa: PLC0415 - httpx, when the first client is made

        self._sending = sending
        self._patience = patience
        self._http: httpx.Client = sending.client(url, token, user, password, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def token(self) -> str:
        """Return a token of the user, which is valid for this client's requests."""
        return self._retry(self._sending.get_token, self._http)

    def send(self, call: Call[T]) -> T:
        """Send a request, again when it may be repeated; raises RequestFailed."""
        found: T = self._retry(self._sending.send, self._http, call, repeatable=call.repeatable)
        return found

    def _retry(self, function: Callable[..., T], *arguments: Any, repeatable: bool = True) -> T:
        import tenacity  # noqa: PLC0415 - as in patience

        retrying = tenacity.Retrying(**policy(self._patience, repeatable=repeatable))
        found: T = retrying(function, *arguments)
        return found

    def _pages(self, listing: Listing[T]) -> Iterator[T]:
        cursor: str | None = None
        while True:
            page = self.send(listing(cursor))
            yield from page.items
            if (cursor := page.next) is None:
                return

    def _follow(self, stream: Stream[T]) -> Iterator[T]:
        lines = _Lines(self._http, stream)
        try:
            while (found := self._retry(lines.next)) is not None:
                yield found
        finally:
            lines.close()


class _Lines(Generic[T]):
    """The connection of a stream; made again when it was cut."""

    def __init__(self, http: httpx.Client, stream: Stream[T]) -> None:
        self._http = http
        self._stream = stream
        self._response: httpx.Response | None = None
        self._lines: Iterator[str] = iter(())

    def next(self) -> T | None:
        """Return what comes next; None at the end. Raises ServerUnavailable when the connection is cut."""
        from airflow_mcp_provider.client import sending  # noqa: PLC0415 - as in _Connection

        if self._stream.done:
            return None
        with sending.cut(self._stream.path, self.close):
            if self._response is None:
                self._response = sending.open_stream(self._http, self._stream)
                self._lines = self._response.iter_lines()
            for line in self._lines:
                if (found := self._stream.take(line)) is not None:
                    return found
            self._stream.ended()
        self.close()
        sending.end(self._stream)
        return None

    def close(self) -> None:
        """Close the connection."""
        if self._response is not None:
            self._response.close()
        self._response = None


def _once(describe: Callable[P, Call[T]]) -> Callable[Concatenate[_Connection, P], T]:
    @wraps(describe)
    def method(self: _Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(describe(*args, **kwargs))

    return method


def _each(describe: Callable[P, Listing[T]]) -> Callable[Concatenate[_Connection, P], Iterator[T]]:
    @wraps(describe)
    def method(self: _Connection, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._pages(describe(*args, **kwargs))

    return method


def _live(describe: Callable[P, Stream[T]]) -> Callable[Concatenate[_Connection, P], Iterator[T]]:
    @wraps(describe)
    def method(self: _Connection, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._follow(describe(*args, **kwargs))

    return method


class JobClient(_Connection):
    """The jobs of the API server at ``url``.

    :param token: a token of Airflow's API; or ``user`` and ``password``, then the client gets one, and renews it
    :param patience: seconds for which requests are sent again when the server does not respond
    :param timeout: seconds without any byte of a response after which a request has failed

    All methods raise RequestFailed. It can be used in several threads.
    """

    submit = _once(calls.submit)
    run = _once(calls.run)
    job = _once(calls.job)
    subtask = _once(calls.subtask)
    cancel = _once(calls.cancel)
    retry = _once(calls.retry)
    set_priority = _once(calls.set_priority)
    set_parallelism = _once(calls.set_parallelism)
    pause = _once(calls.pause)
    resume = _once(calls.resume)
    delete = _once(calls.delete)
    find_runs = _once(calls.find_runs)
    jobs = _each(calls.jobs)
    runs = _each(calls.runs)
    subtasks = _each(calls.subtasks)
    stream = _live(streams.stream)
    logs = _live(streams.logs)

    def wait(self, job: str, run: str, timeout: float | None = None) -> Run:
        """Return the document of a run when it has ended; raises TimeoutError after ``timeout`` seconds."""
        deadline = Deadline(timeout)
        while not (found := self.run(job, run, wait=deadline.next())).done:
            time.sleep(deadline.pause(found))
        return found

    def result(self, job: str, run: str, timeout: float | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Return the result of a run when it has ended; raises RunFailed when it has none, and TimeoutError."""
        return result_of(self.wait(job, run, timeout))
