"""Streams on a real server with the middlewares that are around the application in Airflow's."""

import json
import socket
import threading

import httpx
import pytest
import uvicorn
from airflow.utils.state import DagRunState
from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware

from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.plugin.http_api import user_streams, watch
from airflow_mcp_provider.plugin.server.concurrency_limit import Guard
from airflow_mcp_provider.plugin.server.request_body import Held
from tests.sizes import patient
from tests.unit.waiting import until


async def _renew(request, call_next):
    """As Airflow's middleware that renews the cookie."""
    return await call_next(request)


@pytest.fixture
def server(app, job, monkeypatch):
    """Two requests are inside at once."""
    monkeypatch.setattr(watch, "INTERVAL_S", 0.1)
    monkeypatch.setattr(watch, "FRESH_S", 0.0)
    root = FastAPI(lifespan=lambda _: app.router.lifespan_context(app))
    root.mount(PREFIX, app)
    root.add_middleware(Middle)
    root.add_middleware(BaseHTTPMiddleware, dispatch=_renew)
    root.add_middleware(GZipMiddleware, minimum_size=1024)
    listener = socket.create_server(("127.0.0.1", 0))
    # With the default, a slow client would find its connection closed.
    config = uvicorn.Config(root, log_level="error", timeout_graceful_shutdown=5, timeout_keep_alive=600)
    made = uvicorn.Server(config)
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listener]})
    thread.start()
    until(lambda: made.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}{PREFIX}"
    made.should_exit = True
    thread.join(patient(60))
    listener.close()
    assert not thread.is_alive()


class Middle:
    """The limit of concurrent requests."""

    def __init__(self, app):
        self._app, self._guard = app, Guard(app, 2, Held())

    async def __call__(self, scope, receive, send):
        await (self._guard if scope["type"] == "http" else self._app)(scope, receive, send)


@pytest.fixture
def client(server):
    with httpx.Client(
        base_url=server, headers={"x-user": "anna"}, timeout=patient(60), limits=httpx.Limits(max_connections=100)
    ) as made:
        yield made


def events(response):
    found = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            found[name] = value
        elif "id" in found:
            yield int(found["id"]), found["event"], json.loads(found["data"])
            found = {}


def follow(client, url, into, **headers):
    with client.stream("GET", url, headers=headers) as response:
        assert response.headers["content-encoding"] == "identity"
        for event in events(response):
            into.append(event)


def test_cut_ten_times(client, set_run, app):
    run = client.post("/jobs/crawl/runs", json={}).json()["run"]
    url, whole, cut = f"/jobs/crawl/runs/{run}/events", [], []
    follower = threading.Thread(target=follow, args=(client, url, whole))
    follower.start()
    until(lambda: whole)
    for number in range(10):
        set_run(run, DagRunState.RUNNING, triggering_user_name=f"user {number}")
        with client.stream("GET", url, headers={"Last-Event-ID": str(cut[-1][0])} if cut else {}) as response:
            for event in events(response):
                cut.append(event)
                if event[2]["submitter"] == f"user {number}":
                    break
    set_run(run, DagRunState.SUCCESS)
    follow(client, url, cut, **{"Last-Event-ID": str(cut[-1][0])})
    follower.join(patient(60))
    # A new client begins with the document as it is.
    assert [one[0] for one in cut] == [one[0] for one in whole if one[0] >= cut[0][0]]
    assert (whole[-1][1], whole[-1][2]["state"]) == ("done", "completed")
    assert client.get(url, headers={"Last-Event-ID": str(whole[-1][0])}).status_code == 204
    until(lambda: all(one.clients == 0 for one in app.state.watches._watched.values()))


def test_followers_and_waits_hold_no_place(client, set_run):
    """Only two requests are inside at once: with forty followers others are answered, and waits, too."""
    run = client.post("/jobs/crawl/runs", json={}).json()["run"]
    found = [[] for _ in range(40)]
    threads = [threading.Thread(target=follow, args=(client, f"/jobs/crawl/runs/{run}/events", one)) for one in found]
    waits: list = []
    threads += [
        threading.Thread(
            target=lambda: waits.append(client.get(f"/jobs/crawl/runs/{run}", headers={"Prefer": "wait=300"}).json())
        )
        for _ in range(5)
    ]
    for one in threads:
        one.start()
    until(lambda: all(found))
    assert [client.get("/jobs").status_code for _ in range(5)] == [200] * 5
    assert {one[-1][1] for one in found} == {"progress"}, "while all follow"
    set_run(run, DagRunState.SUCCESS)
    for one in threads:
        one.join(patient(60))
    assert {one[-1][1] for one in found} == {"done"}
    assert [one["state"] for one in waits] == ["completed"] * 5


def test_one_user_does_not_take_all_streams(client, app, monkeypatch):
    monkeypatch.setattr(user_streams, "MOST", 2)
    run = client.post("/jobs/crawl/runs", json={}).json()["run"]
    url = f"/jobs/crawl/runs/{run}/events"
    with client.stream("GET", url) as first, client.stream("GET", url) as second:
        opened = [events(one) for one in (first, second)]  # a generator that ends closes its stream
        found = [next(one) for one in opened]
        refused = client.get(url)
        with client.stream("GET", url, headers={"x-user": "bert"}) as other:
            found.append(next(events(other)))
        until(lambda: app.state.streams == {"anna": 2})
        logs = client.get(f"/jobs/crawl/runs/{run}/logs")
    assert [one[1] for one in found] == ["progress"] * 3
    assert [one.json()["type"] for one in (refused, logs)] == ["urn:airflow-mcp:too_many_streams"] * 2
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    until(lambda: not app.state.streams)
    with client.stream("GET", url) as again:
        assert next(events(again))[1] == "progress"


def test_one_user_does_not_take_all_waits(client, set_run, app, monkeypatch):
    """A wait is counted as a stream. A submit is not refused by it: its run exists."""
    monkeypatch.setattr(user_streams, "MOST", 2)
    run = client.post("/jobs/crawl/runs", json={"key": "k"}).json()["run"]
    waits: list = []

    def wait(user):
        waits.append(client.get(f"/jobs/crawl/runs/{run}", headers={"Prefer": "wait=300", "x-user": user}).json())

    threads = [threading.Thread(target=wait, args=(user,)) for user in ("anna", "anna", "bert")]
    for one in threads:
        one.start()
    until(lambda: app.state.streams == {"anna": 2, "bert": 1})
    refused = client.get(f"/jobs/crawl/runs/{run}", headers={"Prefer": "wait=300"})
    events = client.get(f"/jobs/crawl/runs/{run}/events")
    assert [one.json()["type"] for one in (refused, events)] == ["urn:airflow-mcp:too_many_streams"] * 2
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert client.get(f"/jobs/crawl/runs/{run}").status_code == 200, "without a wait"
    again = client.post("/jobs/crawl/runs", json={"key": "k"}, headers={"Prefer": "wait=300"})
    assert (again.status_code, again.json()["run"], again.headers.get("preference-applied")) == (200, run, None)
    monkeypatch.setattr(user_streams, "MOST_OF_ALL", 3)
    full = client.get(f"/jobs/crawl/runs/{run}", headers={"Prefer": "wait=300", "x-user": "cleo"})
    assert (full.status_code, full.json()["type"]) == (503, "urn:airflow-mcp:busy")
    set_run(run, DagRunState.SUCCESS)
    for one in threads:
        one.join(patient(60))
    assert [one["state"] for one in waits] == ["completed"] * 3
    assert not app.state.streams


def test_a_client_that_goes_away_is_noticed(client, set_run, app, monkeypatch):
    monkeypatch.setattr(watch, "COMMENT_S", 0.3)
    run = client.post("/jobs/crawl/runs", json={}).json()["run"]
    with client.stream("GET", f"/jobs/crawl/runs/{run}/events", headers={"Accept": "application/x-ndjson"}) as response:
        lines = response.iter_lines()
        assert json.loads(next(lines))["event"] == "progress"
        assert next(lines) == "", "a comment"
        (watched,) = app.state.watches._watched.values()
        assert watched.clients == 1
    until(lambda: watched.clients == 0)


def test_a_key_with_slashes_through_a_real_server(client):
    answer = client.get("/jobs/crawl/runs/none/subtasks/a%2Flogs/logs")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:airflow-mcp:not_found")


def test_the_address_behind_a_proxy(client):
    answer = client.post("/jobs/crawl/runs", json={})
    assert answer.headers["location"] == answer.json()["status_url"]
