"""Requests of runners that are answered here, many at once, without Airflow's application.

What a runner may do is the same on both ways: the token is checked as Airflow does, and what is carried out is what the
state store backend would. An irregular request is passed to Airflow unchanged.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from http import HTTPStatus
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.plugin.growth.backend import is_final
from airflow_mcp_provider.plugin.server import handlers
from airflow_mcp_provider.plugin.server.airflow_internals import TaskStateStorePutBody, TIHeartbeatInfo
from airflow_mcp_provider.plugin.server.asgi import NOTHING, header, reply
from airflow_mcp_provider.plugin.server.coalescing import Full, Lanes
from airflow_mcp_provider.plugin.server.concurrency_limit import App, Scope, Send
from airflow_mcp_provider.plugin.server.handlers import AGAIN, Reply, StoreRequest, Work
from airflow_mcp_provider.plugin.server.request_body import Client, Held, Receive
from airflow_mcp_provider.plugin.server.tokens import Tokens
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.request_types import ASKED, read_request

_STORE = re.compile(r"/execution/store/ti/([0-9a-f-]{36})/(mcp\.[a-z_]+|mcp\.answer\.[0-9a-f.]+|progress)")
_NOTHING = re.compile(r"(?!)")
_BEAT = re.compile(r"/execution/task-instances/([0-9a-f-]{36})/heartbeat")
_OURS = re.compile(r"/execution/store/ti/[^/]+/(mcp\..*|progress)", re.DOTALL)
MOST_BYTES = 2_000_000
"""Of a request: a runner sends BATCH_BYTES and one child more. Larger requests for other keys are left to Airflow."""
REMEMBERED, ANSWER_BYTES = 20_000, 1_024
"""So many runners' runs and answers are kept in memory, answers up to this size."""
READS, BEATS, RUN_REQUESTS, CONFIRMS = 1, 1, 2, 1
THREADS = READS + BEATS + RUN_REQUESTS + CONFIRMS
"""Each has a connection while it works. A report's request waits for the scheduler, in a thread of its own."""
CALLS = 10
"""Calls of other jobs in a transaction: it has the locks of these jobs, for which those who submit runs wait."""


class RunnerRequests:
    """ASGI middleware that answers runners, and passes everything else on to ``app``.

    ``stores``: the state store is ours; requests to another one, also to a subclass of ours, are passed on.
    """

    def __init__(self, app: App, held: Held, *, stores: bool) -> None:
        self._app = app
        self._held = held
        self._store = _STORE if stores else _NOTHING
        self._tokens = Tokens()
        self._reads: Lanes[StoreRequest, Reply | None] = Lanes("reads", READS)
        self._beats: Lanes[StoreRequest, Reply | None] = Lanes("beats", BEATS)
        self._run_requests: Lanes[StoreRequest, Reply | None] = Lanes("run-requests", RUN_REQUESTS)
        self._confirms: Lanes[StoreRequest, Reply | None] = Lanes("confirms", CONFIRMS)
        self._runs: OrderedDict[UUID, int] = OrderedDict()
        self._answers: OrderedDict[tuple[UUID, str], Any] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a runner, if it is one, or pass on."""
        client = Client(receive, self._held)
        try:
            if refused := await self._refused(scope, client):
                await _reply(send, refused)
                return
            asked = await self._read(scope, client)
            replied = await self._answer(asked) if asked else None
            if replied is None:
                await self._app(scope, client.receive, send)
            else:
                await _reply(send, replied)
        finally:
            client.release()

    async def _refused(self, scope: Scope, client: Client) -> Reply | None:
        """Refuse a value of one of our keys that is larger than any runner sends, before it is parsed."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if self._store is _NOTHING or scope["method"] != "PUT" or not _OURS.fullmatch(path):
            return None
        length = header(scope["headers"], b"content-length") or ""
        if length.isdecimal() and (len(length) > len(str(MOST_BYTES)) or int(length) > MOST_BYTES):
            return TOO_LARGE
        whole = await client.read_ahead(MOST_BYTES + 1)
        if client.size > MOST_BYTES:
            return TOO_LARGE
        return None if whole or client.gone else AGAIN

    async def _read(self, scope: Scope, client: Client) -> StoreRequest | None:
        """Read a request that is one of ours."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        found = self._store.fullmatch(path) or _BEAT.fullmatch(path)
        if found is None or not _is_ours(scope["method"], key := found[2] if found.re is _STORE else BEAT):
            return None
        instance = _uuid(found[1])
        if instance is None or not await self._tokens.are_of(instance, scope["headers"]):
            return None
        if scope["method"] == "GET":
            return StoreRequest(instance, key)
        return _sent(instance, key, client.body()) if await client.read_ahead(MOST_BYTES) and client.complete else None

    async def _answer(self, asked: StoreRequest) -> Reply | None:
        if (answer := self._answers.pop((asked.instance, asked.key), None)) is not None:
            return Reply(HTTPStatus.OK, {"value": answer})
        try:
            replied = await self._carry_out(asked)
        except Full:
            return AGAIN
        if replied is not None:
            self._remember(asked, replied)
        return replied

    async def _carry_out(self, asked: StoreRequest) -> Reply | None:
        if asked.key == BEAT:
            return await self._beats.do(BEAT, handlers.beat, asked)
        if asked.key == store_keys.GRACE:
            return await self._reads.do("grace", handlers.grace, asked)
        if asked.value is None:
            return await self._reads.do("read", handlers.read, asked)
        if asked.key == store_keys.PROGRESS:
            return await self._reads.do("progress", handlers.progress, asked)
        if asked.key == store_keys.OUTCOME and not is_final(asked.value):
            return await self._reads.do("keep", handlers.keep, asked)
        return await self._of_run(asked)

    async def _of_run(self, asked: StoreRequest) -> Reply | None:
        """Carry out what needs a lock of the run."""
        if (run := self._runs.get(asked.instance)) is None:
            found = await self._reads.do("locate", handlers.locate, asked)
            if found is None or found.run is None:
                return found
            run = found.run
            self._remember(asked, found)
        if asked.key == store_keys.CONFIRM:
            return await self._confirms.do(run, handlers.answer, asked)
        if asked.key == store_keys.CALL:
            return await self._run_requests.do((run, asked.key), handlers.answer, asked, CALLS)
        work = OF_RUNS.get(asked.key, handlers.answer)
        return await self._run_requests.do((run, work), work, asked)

    def _remember(self, asked: StoreRequest, replied: Reply) -> None:
        if replied.run is not None:
            _put(self._runs, asked.instance, replied.run)
        if replied.answer is not None and len(json.dumps(replied.answer)) <= ANSWER_BYTES:
            _put(self._answers, (asked.instance, store_keys.ANSWER_TO + asked.value.call), replied.answer)


TOO_LARGE = Reply(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    {"detail": {"reason": "too_large", "message": f"a value under mcp.… or progress has at most {MOST_BYTES} bytes"}},
)
BEAT = "heartbeat"
OF_RUNS: dict[str, Work] = {store_keys.GO_ON: handlers.take, store_keys.OUTCOME: handlers.keep}
"""What carries out those requests of a run that have no answer."""


def _is_ours(method: str, key: str) -> bool:
    if method == "GET":
        return key in {store_keys.ITEM, store_keys.GRACE} or key.startswith(store_keys.ANSWER_TO)
    return method == "PUT" and key in {BEAT, store_keys.OUTCOME, store_keys.PROGRESS, store_keys.GO_ON, *ASKED}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _reply(send: Send, replied: Reply) -> None:
    content = NOTHING if replied.content is None else replied.content
    busy = replied.status == HTTPStatus.SERVICE_UNAVAILABLE
    await reply(send, replied.status, content, retry_after=1 if busy else None)


def _sent(instance: UUID, key: str, body: bytes) -> StoreRequest | None:
    """Read a request's body by Airflow's own models, and our value in it; None where Airflow has to answer."""
    try:
        if key == BEAT:
            sender = TIHeartbeatInfo.model_validate_json(body)
            return None if "\0" in sender.hostname else StoreRequest(instance, key, sender, len(body))
        sent = TaskStateStorePutBody.model_validate_json(body)
    except ValidationError:
        return None
    expires_at = sent.expires_at
    if expires_at is not None and expires_at.tzinfo is None:
        return None
    try:
        return StoreRequest(instance, key, read_request(key, sent.value), len(body), expires_at)
    except InvalidPayload:
        return None


def _put(kept: OrderedDict[Any, Any], name: object, value: object) -> None:
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
