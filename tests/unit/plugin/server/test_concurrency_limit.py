import asyncio

import pytest
from structlog.testing import capture_logs

from airflow_mcp_provider.plugin.server import concurrency_limit, request_body
from airflow_mcp_provider.plugin.server.concurrency_limit import Guard
from airflow_mcp_provider.plugin.server.request_body import Held
from tests.sizes import patient


async def turns():
    """Let all tasks go on as far as they can: turns of the event loop, whatever the machine's load."""
    for _ in range(200):
        await asyncio.sleep(0)


class Server:
    """An ASGI application behind the guard; a request to it lasts until it is let go."""

    def __init__(self, limit, *, streams=False):
        self.streams = streams
        self.inside = self.most = 0
        self.bodies = []
        self.scopes = []
        self.go = asyncio.Event()
        self.guard = Guard(self.app, limit, Held())

    async def app(self, scope, receive, send):
        self.scopes.append(scope)
        self.inside += 1
        self.most = max(self.most, self.inside)
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        if not self.streams:
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if self.streams:
            await self.go.wait()
        self.inside -= 1
        await send({"type": "http.response.body", "body": b""})

    async def request(self, path="/api/v2/dags", messages=(), gone=None, method="POST"):
        sent, waiting = [], list(messages) or [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if waiting:
                return waiting.pop(0)
            await (gone or asyncio.Event()).wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "headers": [], "root_path": ""}
        await self.guard(scope, receive, send)
        return sent[0]["status"] if sent else None


def test_no_more_requests_are_inside_than_places():
    async def scene():
        server = Server(3)
        tasks = [asyncio.create_task(server.request()) for _ in range(20)]
        await turns()
        held = server.inside
        server.go.set()
        return held, await asyncio.gather(*tasks), server.most

    held, replies, most = asyncio.run(scene())
    assert (held, most) == (3, 3)
    assert replies == [200] * 20


def test_health_is_answered_while_all_places_are_taken():
    async def scene():
        server = Server(1)
        task = asyncio.create_task(server.request())
        await turns()
        health = asyncio.create_task(server.request("/api/v2/monitor/health"))
        static = asyncio.create_task(server.request("/static/x.js"))
        await turns()
        inside = server.inside
        server.go.set()
        await asyncio.gather(task, health, static)
        return inside

    assert asyncio.run(scene()) == 3


def test_what_was_sent_while_it_waited_reaches_the_application():
    async def scene():
        server = Server(1)
        first = asyncio.create_task(server.request())
        await turns()
        parts = [{"type": "http.request", "body": bytes([65 + n]) * 30_000, "more_body": n < 4} for n in range(5)]
        second = asyncio.create_task(server.request(messages=parts))
        await turns()
        server.go.set()
        await asyncio.gather(first, second)
        return server.bodies[1]

    assert asyncio.run(scene()) == b"".join(bytes([65 + n]) * 30_000 for n in range(5))


def test_a_request_whose_client_has_gone_is_not_carried_out():
    async def scene():
        server, gone = Server(1), asyncio.Event()
        first = asyncio.create_task(server.request())
        await turns()
        second = asyncio.create_task(server.request(gone=gone))
        await turns()
        gone.set()
        reply = await asyncio.wait_for(second, patient(60))
        server.go.set()
        await first
        return reply, len(server.bodies), await server.request()

    assert asyncio.run(scene()) == (503, 1, 200), "a middleware of Airflow's that stands before it wants an answer"


def test_a_request_that_is_cancelled_while_it_waits_keeps_no_place():
    async def scene():
        server = Server(1)
        first = asyncio.create_task(server.request())
        await turns()
        second, third = (asyncio.create_task(server.request()) for _ in range(2))
        await turns()
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        server.go.set()
        return await asyncio.wait_for(asyncio.gather(first, third), patient(60)), server.guard._shared.inside

    assert asyncio.run(scene()) == ([200, 200], 0)


WAIT = "/api/v2/dags/d/dagRuns/r/wait"


def test_who_waits_for_a_run_has_a_place_of_the_others_until_the_answer_begins():
    async def scene():
        server, streaming = Server(2), Server(2, streams=True)
        held = [asyncio.create_task(server.request(WAIT, method="GET")) for _ in range(8)]
        begun = [asyncio.create_task(streaming.request(WAIT, method="GET")) for _ in range(8)]
        await turns()
        inside = server.inside, streaming.inside, streaming.guard._shared.inside
        server.go.set(), streaming.go.set()
        replies = await asyncio.gather(*held, *begun)
        left = [
            one.inside
            for guarded in (server.guard, streaming.guard)
            for one in (guarded._shared, *guarded._own.values())
        ]
        return inside, replies, left

    inside, replies, left = asyncio.run(scene())
    assert inside == (2, 8, 0)
    assert replies == [200] * 16
    assert set(left) == {0}


@pytest.mark.parametrize(("name", "value"), [("MOST_WAITING", 1), ("MOST_S", 0.1)], ids=["too many", "too long"])
def test_who_waits_in_vain_is_told(monkeypatch, name, value):
    monkeypatch.setattr(concurrency_limit, name, value)

    async def scene():
        server = Server(1)
        others = [asyncio.create_task(server.request()) for _ in range(2)]
        await turns()
        reply = await server.request()
        server.go.set()
        return reply, await others[0], await server.request()

    assert asyncio.run(scene()) == (503, 200, 200)


def test_a_long_wait_is_in_the_log(monkeypatch):
    monkeypatch.setattr(concurrency_limit, "LONG_S", 0.0)

    async def scene():
        server = Server(1)
        tasks = [asyncio.create_task(server.request()) for _ in range(3)]
        await turns()
        server.go.set()
        await asyncio.gather(*tasks)

    with capture_logs() as logs:
        asyncio.run(scene())
    assert [one["kind"] for one in logs if one["log_level"] == "warning"] == ["ui"]


class Half(Server):
    async def half(self):
        """A request whose body does not come to its end."""
        sent = []

        async def receive(parts=iter([{"type": "http.request", "body": b"{", "more_body": True}])):  # noqa: B008 - once
            if (part := next(parts, None)) is None:
                await asyncio.Event().wait()
            return part

        scope = {"type": "http", "method": "POST", "path": "/auth/token", "headers": [], "root_path": ""}
        await self.guard(scope, receive, lambda message: _done(sent.append(message)))
        return sent[0]["status"]


async def _done(_):
    return None


def test_half_a_request_keeps_nobody_waiting(monkeypatch):
    monkeypatch.setattr(request_body, "SLOW_S", 3600)

    async def scene():
        server = Half(2)
        halves = [asyncio.create_task(server.half()) for _ in range(10)]
        await turns()
        server.go.set()
        whole = await server.request()
        ended = [half.done() for half in halves]
        for half in halves:
            half.cancel()
        await asyncio.gather(*halves, return_exceptions=True)
        return whole, ended

    assert asyncio.run(scene()) == (200, [False] * 10)


def test_half_a_request_is_refused_after_a_time(monkeypatch):
    monkeypatch.setattr(request_body, "SLOW_S", 0.1)

    async def scene():
        server = Half(2)
        halves = await asyncio.gather(*(server.half() for _ in range(10)))
        return halves, server.guard._held.size

    assert asyncio.run(scene()) == ([503] * 10, 0)


@pytest.mark.parametrize("streams", [False, True], ids=["of one part", "of several parts"])
def test_who_reads_an_answer_slowly_keeps_no_place(monkeypatch, streams):
    monkeypatch.setattr(concurrency_limit, "READ_S", 0.05)

    async def scene():
        server, read = Server(1, streams=streams), asyncio.Event()
        server.go.set()

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            if streams or message["type"] == "http.response.body":
                await read.wait()

        scope = {"type": "http", "method": "GET", "path": "/api/v2/dags", "headers": [], "root_path": ""}
        slowly = asyncio.create_task(server.guard(scope, receive, send))
        await turns()
        reply = await asyncio.wait_for(server.request(), patient(60))
        read.set()
        await slowly
        return reply

    assert asyncio.run(scene()) == 200


def test_what_is_held_for_all_is_bounded(monkeypatch):
    monkeypatch.setattr(request_body, "MOST_HELD", 100)

    async def scene():
        server = Server(1)
        first = asyncio.create_task(server.request())
        await turns()
        part = {"type": "http.request", "body": b"x" * 60}
        parts = [{**part, "more_body": True}, {**part, "more_body": True}, {**part, "more_body": False}]
        large = [asyncio.create_task(server.request(messages=parts)) for _ in range(3)]
        small = asyncio.create_task(server.request())
        await turns()
        server.go.set()
        return await asyncio.gather(first, small, *large), server.guard._held.size

    (first, small, *large), held = asyncio.run(scene())
    assert (first, small, held) == (200, 200, 0)
    assert 503 in large
