"""One request over httpx, with its errors. The clients import this module when they are made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import httpx

from airflow_mcp_provider.client.calls import Call
from airflow_mcp_provider.client.failures import content, failure, unreachable
from airflow_mcp_provider.client.login import Login
from airflow_mcp_provider.client.streams import QUIET_S, Stream
from airflow_mcp_provider.errors import AccessDenied, InvalidRequest

T = TypeVar("T")
CONNECT_S = 10.0
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def client(url: str, token: str | None, user: str | None, password: str | None, timeout: float) -> httpx.Client:
    """Return the connections of a JobClient."""
    return httpx.Client(**_options(url, token, user, password, timeout))


def async_client(
    url: str, token: str | None, user: str | None, password: str | None, timeout: float
) -> httpx.AsyncClient:
    """Return the connections of an AsyncJobClient."""
    return httpx.AsyncClient(**_options(url, token, user, password, timeout))


def _options(url: str, token: str | None, user: str | None, password: str | None, timeout: float) -> dict[str, Any]:
    base = _base(url)
    if token is not None and not (token.isascii() and token.isprintable()):
        text = "the token has a character that no token has, for example a line break"
        raise InvalidRequest(text, url=base, next_step="change the token")
    login = Login(base, token, user, password)
    # Certificates take 45 ms to load, and are not needed without TLS: redirects are not followed.
    return {"base_url": base, "auth": login, "timeout": _timeout(timeout), "verify": base.startswith("https://")}


def _base(url: str) -> str:
    """Return the URL of a server; raises InvalidRequest, whose text has no password that the URL has."""
    try:
        found = httpx.URL(url.rstrip("/"))
    except httpx.InvalidURL:
        found = httpx.URL("")
    if found.userinfo:
        text = "the URL has a user or a password; expected them as user and password (--user), or a token"
        raise InvalidRequest(text, url=str(found.copy_with(userinfo=b"")), next_step="change the URL")
    if found.scheme not in {"http", "https"} or not found.host:
        text = f"invalid URL {url!r}; expected for example http://localhost:8080"
        raise InvalidRequest(text, url=url, next_step="change the URL")
    return url.rstrip("/")


def _timeout(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(seconds, CONNECT_S))


def send(http: httpx.Client, call: Call[T]) -> T:
    """Send a request once and return its result; raises RequestFailed."""
    with cut(f"{call.method} {http.base_url}{call.path}"):
        return content(call, http.send(_request(http, call)))


async def send_async(http: httpx.AsyncClient, call: Call[T]) -> T:
    """As ``send``."""
    async with cut_async(f"{call.method} {http.base_url}{call.path}"):
        return content(call, await http.send(_request(http, call)))


def _request(http: httpx.Client | httpx.AsyncClient, call: Call[Any], *, quiet: float = 0) -> httpx.Request:
    body = None if call.body is None else call.body.model_dump_json().encode()
    headers = dict(call.headers if body is None else (*call.headers, ("Content-Type", "application/json")))
    timeout = _timeout(quiet or (http.timeout.read or 0) + call.wait)
    return http.build_request(
        call.method, call.path, params=list(call.query), content=body, headers=headers, timeout=timeout
    )


def open_stream(http: httpx.Client, stream: Stream[Any]) -> httpx.Response:
    """Open a stream where it was cut."""
    response = http.send(_request(http, stream.request(), quiet=QUIET_S), stream=True)
    if not response.is_success:
        response.read()
        raise failure(response)
    stream.done = response.status_code == httpx.codes.NO_CONTENT
    return response


async def open_stream_async(http: httpx.AsyncClient, stream: Stream[Any]) -> httpx.Response:
    """As ``open_stream``."""
    response = await http.send(_request(http, stream.request(), quiet=QUIET_S), stream=True)
    if not response.is_success:
        await response.aread()
        raise failure(response)
    stream.done = response.status_code == httpx.codes.NO_CONTENT
    return response


def end(stream: Stream[Any]) -> None:
    """Raise ServerUnavailable where the server has ended a stream too early: it was stopped."""
    if not stream.done:
        raise unreachable(EOFError("the stream ended too early"), f"GET {stream.path}", reached=True)


@contextmanager
def cut(url: str, close: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Raise ServerUnavailable for what httpx raises when the server cannot be reached; ``close`` after any error."""
    try:
        yield
    except httpx.TransportError as error:
        close()
        raise _unreachable(error, url) from error
    except Exception:
        close()
        raise


async def _nothing() -> None:
    pass


@asynccontextmanager
async def cut_async(url: str, close: Callable[[], Awaitable[None]] = _nothing) -> AsyncIterator[None]:
    """As ``cut``."""
    try:
        yield
    except httpx.TransportError as error:
        await close()
        raise _unreachable(error, url) from error
    except Exception:
        await close()
        raise


def _unreachable(error: httpx.TransportError, url: str) -> Exception:
    return unreachable(error, url, reached=not isinstance(error, _NOT_SENT))


def get_token(http: httpx.Client) -> str:
    """Return the token of a client's user; raises AccessDenied."""
    with cut(f"POST {http.base_url}"):
        http.get("/api/v2/version")
    return _token_of(http)


async def get_token_async(http: httpx.AsyncClient) -> str:
    """As ``get_token``."""
    async with cut_async(f"POST {http.base_url}"):
        await http.get("/api/v2/version")
    return _token_of(http)


def _token_of(http: httpx.Client | httpx.AsyncClient) -> str:
    login = http.auth
    if not isinstance(login, Login) or login.token is None:
        raise AccessDenied("no token", url=str(http.base_url), next_step="use a user and a password")
    return login.token
