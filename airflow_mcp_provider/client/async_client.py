"""``AsyncJobClient``: the client for programs with an event loop. Its methods are those of ``JobClient``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
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
        self._http: httpx.AsyncClient = sending.async_client(url, token, user, password, timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def token(self) -> str:
        """Return a token of the user, which is valid for this client's requests."""
        return await self._retry(self._sending.get_token_async, self._http)

    async def send(self, call: Call[T]) -> T:
        """Send a request, again when it may be repeated; raises RequestFailed."""
        return await self._retry(self._sending.send_async, self._http, call, repeatable=call.repeatable)

    async def _retry(self, function: Callable[..., Awaitable[T]], *arguments: Any, repeatable: bool = True) -> T:
        import tenacity  # noqa: PLC0415 - as in patience

        retrying = tenacity.AsyncRetrying(**policy(self._patience, repeatable=repeatable))
        return await retrying(function, *arguments)

    async def _pages(self, listing: Listing[T]) -> AsyncIterator[T]:
        cursor: str | None = None
        while True:
            page = await self.send(listing(cursor))
            for item in page.items:
                yield item
            if (cursor := page.next) is None:
                return

    async def _follow(self, stream: Stream[T]) -> AsyncIterator[T]:
        lines = _Lines(self._http, stream)
        try:
            while (found := await self._retry(lines.next)) is not None:
                yield found
        finally:
            await lines.close()


class _Lines(Generic[T]):
    """The connection of a stream; made again when it was cut."""

    def __init__(self, http: httpx.AsyncClient, stream: Stream[T]) -> None:
        self._http = http
        self._stream = stream
        self._response: httpx.Response | None = None
        self._lines: AsyncIterator[str] | None = None

    async def next(self) -> T | None:
        """Return what comes next; None at the end. Raises ServerUnavailable when the connection is cut."""
        from airflow_mcp_provider.client import sending  # noqa: PLC0415 - as in _Connection

        if self._stream.done:
            return None
        async with sending.cut_async(self._stream.path, self.close):
            if self._lines is None:
                self._response = await sending.open_stream_async(self._http, self._stream)
                self._lines = self._response.aiter_lines()
            async for line in self._lines:
                if (found := self._stream.take(line)) is not None:
                    return found
            self._stream.ended()
        await self.close()
        sending.end(self._stream)
        return None

    async def close(self) -> None:
        """Close the connection."""
        response, self._response, self._lines = self._response, None, None
        if response is not None:
            await response.aclose()


def _once(describe: Callable[P, Call[T]]) -> Callable[Concatenate[_Connection, P], Awaitable[T]]:
    @wraps(describe)
    async def method(self: _Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.send(describe(*args, **kwargs))

    return method


def _each(describe: Callable[P, Listing[T]]) -> Callable[Concatenate[_Connection, P], AsyncIterator[T]]:
    @wraps(describe)
    def method(self: _Connection, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return self._pages(describe(*args, **kwargs))

    return method


def _live(describe: Callable[P, Stream[T]]) -> Callable[Concatenate[_Connection, P], AsyncIterator[T]]:
    @wraps(describe)
    def method(self: _Connection, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return self._follow(describe(*args, **kwargs))

    return method


class AsyncJobClient(_Connection):
    """As ``JobClient``: its methods are coroutines and asynchronous iterators. For one event loop."""

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

    async def wait(self, job: str, run: str, timeout: float | None = None) -> Run:  # noqa: ASYNC109 - as in JobClient
        """Return the document of a run when it has ended; raises TimeoutError after ``timeout`` seconds."""
        deadline = Deadline(timeout)
        while not (found := await self.run(job, run, wait=deadline.next())).done:  # noqa: ASYNC110 - the server waits
            await asyncio.sleep(deadline.pause(found))
        return found

    async def result(self, job: str, run: str, timeout: float | None = None) -> Any:  # noqa: ANN401, ASYNC109 - any JSON
        """Return the result of a run when it has ended; raises RunFailed when it has none, and TimeoutError."""
        return result_of(await self.wait(job, run, timeout))
