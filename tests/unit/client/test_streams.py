"""Streams over connections that are cut: nothing is missed, nothing comes twice."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from airflow_mcp_provider import errors
from airflow_mcp_provider.client import AsyncJobClient, JobClient
from tests.unit.client.documents import run_document


@contextmanager
def server(answers):
    """A server that gives each connection the next answer: a status, lines, and whether it ends in order.

    Then comes, if there is any, for how many seconds the client is asked to wait.
    """
    seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            seen.append(self.headers.get("Last-Event-ID"))
            status, lines, in_order, *later = answers[min(len(seen), len(answers)) - 1]
            self.send_response(status)
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Retry-After", str(later[0] if later else 0))
            self.end_headers()
            for line in lines:
                self.wfile.write(f"{len(line) + 1:x}\r\n{line}\n\r\n".encode())
            if in_order:
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True

        def log_message(self, *_):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_port}", seen
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def event(number, *, done=False):
    state = "completed" if done else "running"
    run = run_document(state=state, done=done, note=str(number))
    return json.dumps({"id": number, "event": "done" if done else "progress", "run": run})


EVENTS = [
    (200, [event(1), "", event(2)], False),
    (503, [], True),
    (200, [event(3)], True),
    (502, ["<html>"], True),
    (200, ["", event(4), event(5, done=True)], False),
]


def test_events_go_on_after_the_last_one():
    with server(EVENTS) as (url, seen), JobClient(url, token="x") as jobs:
        assert [run.note for run in jobs.stream("j", "r")] == ["1", "2", "3", "4", "5"]
    assert seen == [None, "2", "2", "3", "3"]


def test_events_of_the_async_client():
    import asyncio

    async def notes(url):
        async with AsyncJobClient(url, token="x") as jobs:
            return [run.note async for run in jobs.stream("j", "r")]

    with server(EVENTS) as (url, seen):
        assert asyncio.run(notes(url)) == ["1", "2", "3", "4", "5"]
    assert seen == [None, "2", "2", "3", "3"]


def test_a_stream_that_has_ended_before():
    with server([(200, [event(1)], False), (204, [], True)]) as (url, _), JobClient(url, token="x") as jobs:
        assert [run.note for run in jobs.stream("j", "r")] == ["1"]


def test_a_stream_gives_up_after_its_patience():
    """Not by how many requests it sends within the time: the pause that the server asks for is longer."""
    with server([(200, [event(1)], False), *[(503, [], True)] * 2, (503, [], True, 3600)]) as (url, seen):
        with JobClient(url, token="x", patience=600) as jobs, pytest.raises(errors.ServerUnavailable):
            list(jobs.stream("j", "r"))
        assert len(seen) == 4


def line(task, text, index=0):
    return json.dumps({"task": task, "map_index": index, "key": None, "attempt": 1, "event": text, "more": 1})


def test_the_lines_of_logs_come_once():
    answers = [
        (200, [line("plan", "a"), line("run", "b"), line("plan", "c")], False),
        # In another order: several logs are read at the same time.
        (200, [line("run", "b"), line("run", "d"), "", line("plan", "a"), line("plan", "c"), line("plan", "e")], True),
    ]
    with server(answers) as (url, seen), JobClient(url, token="x") as jobs:
        assert [one.event for one in jobs.logs("j", "r", follow=True)] == ["a", "b", "c", "d", "e"]
    assert len(seen) == 2


def test_a_left_stream_closes_its_connection():
    with (
        server([(200, [event(1), event(2), event(3, done=True)], True)]) as (url, _),
        JobClient(url, token="x") as jobs,
    ):
        stream = jobs.stream("j", "r")
        next(stream)
        stream.close()
        assert not jobs._http._transport._pool.connections
