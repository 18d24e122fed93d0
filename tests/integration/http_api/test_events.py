"""Events and logs while a run works: what a client gets whose connection is cut, and one whose is not."""

import json
import threading
import time
from contextlib import suppress

import httpx

from airflow_mcp_provider.client.models import PREFIX
from tests.integration.http_api.conftest import until
from tests.sizes import patient


def _events(response):
    """Parse server-sent events; the connection may be cut after any."""
    found = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            found[name] = value
        elif "id" in found:
            yield int(found["id"]), found["event"], json.loads(found["data"])
            found = {}


def _whole(client, url, into):
    with client.stream("GET", url) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for event in _events(response):
            into.append(event)  # at once: the test reads it meanwhile


def test_a_client_that_is_cut_ten_times_misses_nothing(login, submit, tmp_path):
    file = tmp_path / "go"
    run = submit("watched", {"count": 3, "kids": 2, "file": str(file)})
    url = f"{run['status_url']}/events"
    whole: list = []
    follower = threading.Thread(target=_whole, args=(login("uwe"), url, whole))
    follower.start()
    cut: list = []
    client = login("uwe")
    until(lambda: whole, "first event")
    for number in range(10):
        _some(client, url, cut, 1.5)
        if number == 4:  # the run works meanwhile
            file.touch()
    until(lambda: _some(client, url, cut, 10) or (cut and cut[-1][1] == "done"), "end of the run")
    follower.join(patient(60))
    # A new client begins with the document as it is.
    assert [one[0] for one in cut] == [one[0] for one in whole if one[0] >= cut[0][0]]
    ids = [one[0] for one in whole]
    assert ids == sorted(set(ids))
    assert [one[1] for one in whole].index("done") == len(whole) - 1
    assert whole[-1][2]["state"] == "completed"
    assert whole[-1][2] == client.get(run["status_url"]).json()
    states = [one[2]["state"] for one in whole]
    assert states == sorted(states, key=["queued", "running", "completed"].index)
    assert client.get(url, headers={"Last-Event-ID": str(ids[-1])}).status_code == 204


def _some(client, url, into, seconds):
    """Read events for a while, and cut the connection, also when nothing comes."""
    headers = {"Last-Event-ID": str(into[-1][0])} if into else {}
    end = time.monotonic() + seconds
    with (
        suppress(httpx.ReadTimeout),
        client.stream("GET", url, headers=headers, timeout=httpx.Timeout(20, read=seconds)) as response,
    ):
        for event in _events(response):
            into.append(event)
            if time.monotonic() > end:
                return


def test_lines_of_json_and_logs_that_are_followed(http, login, submit, tmp_path):
    file = tmp_path / "go"
    run = submit("watched", {"count": 1, "file": str(file)})
    lines: list = []
    follower = threading.Thread(target=_lines, args=(login("uwe"), f"{run['status_url']}/logs?follow=true", lines))
    follower.start()
    until(
        lambda: any("visiting root/0" in line.get("event", "") for line in lines), "line of the log of a running task"
    )
    assert http.get(run["status_url"]).json()["state"] == "running"
    file.touch()
    with http.stream("GET", f"{run['status_url']}/events", headers={"Accept": "application/x-ndjson"}) as response:
        events = [json.loads(line) for line in response.iter_lines() if line]
    assert (events[-1]["event"], events[-1]["run"]["state"]) == ("done", "completed")
    follower.join(patient(60))
    assert not follower.is_alive()
    assert {line["task"] for line in lines} == {"plan", "run", "report"}
    assert {line["key"] for line in lines if line["task"] == "run"} == {"root/0"}
    visits = [line for line in lines if "visiting root/0" in line["event"]]
    assert len(visits) == 1, "no line twice"


def _lines(client, url, into):
    with client.stream("GET", url) as response:
        for line in response.iter_lines():
            into.extend([json.loads(line)] if line else [])


def test_many_clients_follow_one_run_and_the_server_stays_usable(login, submit, tmp_path):
    file = tmp_path / "go"
    run = submit("watched", {"count": 1, "file": str(file)})
    client = login("uwe")
    found: list[list] = [[] for _ in range(60)]
    followers = [threading.Thread(target=_whole, args=(client, f"{run['status_url']}/events", one)) for one in found]
    for one in followers:
        one.start()
    until(lambda: all(found), "event for each client")
    for _ in range(20):
        assert client.get(f"{PREFIX}/jobs/watched").status_code == 200
    assert {one[-1][1] for one in found} == {"progress"}, "while all follow"
    file.touch()
    for one in followers:
        one.join(patient(60))
    assert {one[-1][1] for one in found} == {"done"}
