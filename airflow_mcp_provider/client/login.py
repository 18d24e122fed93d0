"""The credentials of a client: a token, or a user and a password that give one.

httpx drives ``auth_flow`` in both clients. A token that has expired is renewed once per request, when the client has a
password.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

import httpx

from airflow_mcp_provider.client.failures import failure
from airflow_mcp_provider.errors import AccessDenied

TOKENS = "/auth/token"
"""The route that each auth manager of Airflow has for a user and a password."""


class Login(httpx.Auth):
    """Adds the token to each request."""

    def __init__(self, url: str, token: str | None, user: str | None, password: str | None) -> None:
        self._url = f"{url}{TOKENS}"
        self._credentials = None if user is None else {"username": user, "password": password or ""}
        self.token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with a token; get one first if there is none, and again if it is not valid any more."""
        if self.token is None and self._credentials is not None:
            self._keep((yield self._login()))
        response = yield self._with_token(request)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._credentials is not None:
            self._keep((yield self._login()))
            yield self._with_token(request)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """As ``auth_flow``; reads the response that has the token. Those of other requests may be streams."""
        flow = self.auth_flow(request)
        sent = next(flow)
        while True:
            response = yield sent
            if sent is not request:
                response.read()
            try:
                sent = flow.send(response)
            except StopIteration:
                return

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """As ``sync_auth_flow``."""
        flow = self.auth_flow(request)
        sent = next(flow)
        while True:
            response = yield sent
            if sent is not request:
                await response.aread()
            try:
                sent = flow.send(response)
            except StopIteration:
                return

    def _login(self) -> httpx.Request:
        return httpx.Request("POST", self._url, json=self._credentials)

    def _with_token(self, request: httpx.Request) -> httpx.Request:
        if self.token is not None:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def _keep(self, response: httpx.Response) -> None:
        token = _token(response)
        if token is None:
            error = failure(response)
            raise AccessDenied(
                f"no token for the user {(self._credentials or {}).get('username')}: {error.detail}",
                url=error.url,
                status=error.status,
                next_step="check the user and the password",
            )
        self.token = token


def _token(response: httpx.Response) -> str | None:
    try:
        found = response.json()
    except ValueError:
        return None
    token = found.get("access_token") if isinstance(found, dict) and response.is_success else None
    return token if isinstance(token, str) else None
