"""Paths with keys, preferences, streams."""

import asyncio

import pytest

from airflow_mcp_provider.plugin.db import nesting
from airflow_mcp_provider.plugin.http_api import streams
from airflow_mcp_provider.plugin.http_api.preferences import MOST_WAIT_S, applied, preferred_wait
from airflow_mcp_provider.plugin.http_api.streams import last_lines, ndjson, sse
from airflow_mcp_provider.plugin.http_api.subtask_paths import encoded, in_one_line
from airflow_mcp_provider.plugin.http_api.watched import event_id

BASE = "/job-control/v1/jobs/j/runs/manual__2026-01-01T00:00:00+00:00/subtasks"


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/a", "/a"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%2Flogs", "/a%2Flogs"),
        ("/a/logs", "/a/logs"),
        ("/%2E%2E", "/%2E%2E"),
        ("/%C3%BC%20%25", "/%C3%BC%20%25"),
        ("/x%2Fruns%2Fy%2Fsubtasks%2Fz", "/x%2Fruns%2Fy%2Fsubtasks%2Fz"),
        ("", ""),
    ],
)
def test_the_key_in_a_path_stays_as_it_was_sent(raw, path):
    from urllib.parse import unquote

    sent = BASE.replace(":", "%3A") + raw
    assert encoded(unquote(sent), sent.encode()) == BASE + path


def test_a_server_without_the_raw_path():
    assert encoded(f"{BASE}/a b/ü", None) == f"{BASE}/a%20b/%C3%BC"
    assert encoded("/jobs", None) == "/jobs"


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("", "/job-control/v1/jobs/a\nb\n", "/job-control/v1/jobs/a%0Ab%0A"),
        ("/proxied", "/proxied/job-control/v1/jobs/a\n", "/proxied/job-control/v1/jobs/a%0A"),
        ("", "/job-control/v1/jobs/a", "/job-control/v1/jobs/a"),
        ("", "/api/v2/dags/a\n", "/api/v2/dags/a\n"),
    ],
)
def test_a_path_of_the_api_is_in_one_line(root, path, expected):
    scope = {"type": "http", "root_path": root, "path": path}
    assert in_one_line(scope) == {**scope, "path": expected}


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("respond-async", 0),
        ("wait=30", 30),
        ("respond-async, wait=30", 30),
        ('Wait = "7" ; x=1, respond-async', 7),
        ("wait=999999", MOST_WAIT_S),
        ("wait=-1", 0),
        ("wait=x", 0),
        ("await=3", 0),
    ],
)
def test_prefer(prefer, seconds):
    assert preferred_wait(prefer) == seconds


def test_comments():
    assert sse(None).startswith(b": ")
    assert sse(None).endswith(b"\n\n")
    assert ndjson(None) == b"\n"


@pytest.mark.parametrize(
    ("prefer", "seconds", "named"),
    [
        (None, 0, None),
        (None, 3, "wait=3"),
        ("wait=3", 3, "wait=3"),
        ("respond-async", 0, "respond-async"),
        ("Respond-Async; x=1, wait=3", 3, "respond-async, wait=3"),
    ],
)
def test_only_preferences_that_were_asked_for_are_applied(prefer, seconds, named):
    assert applied(prefer, seconds).get("Preference-Applied") == named


@pytest.mark.parametrize(
    "header", ["1" * 18 + "x", "9" * 19, "1" * 5000, "-1", "x", "", None, "٣", "999999999999999999"]
)
def test_an_event_id_that_no_server_has_made_counts_as_none(header):
    assert event_id(header) == 0
    assert event_id("1234567890123") == 1234567890123


def nested(depth, value=1):
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(("depth", "deep"), [(0, False), (100, False), (101, True), (100_000, True)])
def test_how_deep_a_value_is(depth, deep):
    assert nesting.too_deep(nested(depth)) is deep
    assert nesting.too_deep({"a": nested(depth - 1)}) is (deep and depth > 0)
    assert nesting.cut(nested(depth)) == (nested(100, "…") if deep else nested(depth))


@pytest.mark.parametrize(
    ("count", "chars", "kept"), [(2, 100, ["b\n", "c\n"]), (9, 100, ["a\n", "b\n", "c\n"]), (9, 4, ["b\n", "c\n"])]
)
def test_the_last_lines_are_bounded_in_number_and_size(monkeypatch, count, chars, kept):
    monkeypatch.setattr(streams, "MOST_TAIL_CHARS", chars)

    async def texts():
        yield "a\nb\n"
        yield "c\n"

    async def read():
        return [line async for line in last_lines(texts(), count)]

    assert asyncio.run(read()) == kept


def test_the_last_line_is_kept_however_long(monkeypatch):
    monkeypatch.setattr(streams, "MOST_TAIL_CHARS", 1)

    async def texts():
        yield "a\nlong\n"

    async def read():
        return [line async for line in last_lines(texts(), 5)]

    assert asyncio.run(read()) == ["long\n"]
