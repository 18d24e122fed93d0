"""What stands in front of a real API server: whom it answers, what it leaves to Airflow, and that no flood stops it."""

import asyncio
import json
import socket
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from airflow_mcp_provider.runtime import store_keys
from tests.integration.growth.waiting import until
from tests.integration.server.conftest import RUNNERS
from tests.integration.server.runner import Sender
from tests.sizes import FULL, patient

ROW = """select id::text, hostname, pid, last_heartbeat_at from task_instance
    where dag_id = 'asleep' and run_id = %s and task_id = 'run' and map_index = 0 and state = 'running'"""


@pytest.fixture(scope="module")
def run_id(airflow: Embedded) -> Iterator[str]:
    run = airflow.api.trigger("asleep", {})
    yield run
    airflow.api.cancel("asleep", run)


@pytest.fixture(scope="module")
def sender(airflow: Embedded, run_id: str) -> Sender:
    until(lambda: airflow.sql(ROW, run_id), what="the subtask runs")
    number, hostname, pid, _ = airflow.sql(ROW, run_id)[0]
    return Sender(airflow, number, hostname, pid)


def children(*keys: str, **more: object) -> dict[str, object]:
    return {"children": [[key, {"item": key}] for key in keys], **more}


def test_a_runner_is_answered(sender: Sender) -> None:
    assert sender.get(store_keys.ITEM).json()["value"]["payload"] == {"item": 1}
    assert sender.ask(store_keys.ENQUEUE, children("a", "b"))["new"] == 2
    assert sender.ask(store_keys.ENQUEUE, children("a", "c"))["new"] == 1
    refused = sender.ask(store_keys.ENQUEUE, {"children": [["d", {"item": "\0"}]]})["refused"]
    assert refused["type"] == "InvalidPayload"


def test_the_same_question_again_is_done_once(sender: Sender) -> None:
    question = {**children("once"), "call": f"{sender.name}.again.1"}
    assert [sender.put(store_keys.ENQUEUE, question).status_code for _ in range(3)] == [204] * 3
    assert sender.get(store_keys.ANSWER_TO + question["call"]).json()["value"]["new"] == 1
    assert sender.get(store_keys.ANSWER_TO + question["call"]).json()["value"]["new"] == 1
    assert sender.get(f"{store_keys.ANSWER_TO}0.0").status_code == 404


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 200),
        ({"scope": None}, 200),
        ({"scope": "workload"}, 403),
        ({"scope": "else"}, 403),
        ({"aud": "apache-airflow"}, 403),
        ({"exp": int(time.time()) - 3600}, 403),
        ({"exp": None}, 403),
        ({"sub": str(uuid.uuid4())}, 403),
    ],
    ids=json.dumps,
)
def test_a_token_is_worth_what_it_is_to_airflow(sender: Sender, claims: dict[str, object], status: int) -> None:
    token = sender.token(**claims)
    assert sender.get(store_keys.ITEM, token=token).status_code == status
    assert sender.get("a-key-of-a-user", token=token).status_code == (404 if status == 200 else status)


def test_a_token_that_ends_soon_is_renewed(sender: Sender) -> None:
    now = int(time.time())
    assert "refreshed-api-token" in sender.get(store_keys.ITEM, token=sender.token(iat=now - 570, exp=now + 30)).headers


def test_a_wrong_signature_and_none_at_all(sender: Sender) -> None:
    assert sender.get(store_keys.ITEM, token=sender.token()[:-4] + "AAAA").status_code == 403
    unsigned = f"{sender.airflow.url}/execution/store/ti/{sender.id}/{store_keys.ITEM}"
    assert httpx.get(unsigned, timeout=patient(30)).status_code == 401


@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        (store_keys.ENQUEUE, {"value": 5}, 422),
        (store_keys.ENQUEUE, {"value": None}, 422),
        (store_keys.ENQUEUE, {"val": {}}, 422),
        (store_keys.ENQUEUE, [], 422),
        (store_keys.PROGRESS, {"value": {"fraction": 1, "message": "x"}}, 204),
        (store_keys.PROGRESS, {"value": {"fraction": 1}, "expires_at": "never"}, 422),
    ],
)
def test_a_malformed_request_is_answered_by_airflow(sender: Sender, key: str, body: object, status: int) -> None:
    assert sender.send("PUT", f"store/ti/{sender.id}/{key}", body).status_code == status


def test_the_answer_to_a_malformed_request_names_the_field(sender: Sender) -> None:
    answer = sender.send("PUT", f"store/ti/{sender.id}/{store_keys.ENQUEUE}", {"value": {"call": "x.1", "children": 5}})
    assert answer.status_code == 422
    assert "Expected `array`, got `int` - at `$.children`" in answer.json()["detail"]["message"]


def test_a_heartbeat(airflow: Embedded, sender: Sender, run_id: str) -> None:
    before = airflow.sql(ROW, run_id)[0][3]
    assert sender.beat().status_code == 204
    assert airflow.sql(ROW, run_id)[0][3] > before
    elsewhere = sender.beat(pid=sender.pid + 1)
    assert (elsewhere.status_code, elsewhere.json()["detail"]["reason"]) == (409, "running_elsewhere")
    assert sender.beat(pid="x").status_code == 422
    assert Sender(airflow, str(uuid.uuid4()), "h", 1).beat().status_code == 404


def test_a_runner_that_another_has_replaced_is_not_heard(airflow: Embedded, tmp_path: Path) -> None:
    run_id = airflow.api.trigger("twice", {"mark": str(tmp_path / "mark")})
    old = """select task_instance_id::text from task_instance_history
        where dag_id = 'twice' and run_id = %s and task_id = 'run'"""
    new = "select id::text from task_instance where run_id = %s and task_id = 'run' and try_number = 2 and state = 'running'"
    until(lambda: airflow.sql(new, run_id), what="the second attempt runs")
    gave_up, runs = (Sender(airflow, airflow.sql(query, run_id)[0][0]) for query in (old, new))
    assert gave_up.put(store_keys.ENQUEUE, {**children("late"), "call": "a.1"}).status_code == 404
    assert gave_up.put(store_keys.OUTCOME, {"attempt": 1, "result": 1}).status_code == 404
    assert gave_up.get(store_keys.ITEM).status_code == 404
    assert gave_up.beat().status_code == 410
    told = runs.ask(store_keys.ENQUEUE, children("in time"))
    assert told.get("new") == 1, told
    airflow.api.cancel("twice", run_id)
    assert runs.ask(store_keys.ENQUEUE, children("too late"))["refused"]["type"] == "RunIsOver"


async def _flood(airflow: Embedded, count: int) -> Counter[int]:
    """Start so many runs of a plain DAG at the same instant."""
    headers = {"Authorization": f"Bearer {_token(airflow)}"}
    limits = httpx.Limits(max_connections=count)
    async with httpx.AsyncClient(base_url=airflow.url, headers=headers, timeout=patient(120), limits=limits) as client:
        body = {"logical_date": None}
        requests = [client.post("/api/v2/dags/plain/dagRuns", json=body) for _ in range(count)]
        return Counter(reply.status_code for reply in await asyncio.gather(*requests))


def _token(airflow: Embedded) -> str:
    credentials = {"username": "admin", "password": airflow.password}
    answer = httpx.post(f"{airflow.url}/auth/token", json=credentials, timeout=patient(30))
    return str(answer.json()["access_token"])


def test_many_requests_at_once_are_all_answered(airflow: Embedded) -> None:
    """Airflow alone answers most of them with 500: its pool has 15 connections. A request may wait for a minute."""
    many = 200 if FULL else 60
    assert asyncio.run(_flood(airflow, many)) == {200: many}


HALF = b"POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"


def test_half_sent_requests_keep_nobody_waiting(airflow: Embedded, sender: Sender) -> None:
    """As many as there are places, and more, from anybody."""
    host, port = airflow.url.removeprefix("http://").split(":")
    halves = [socket.create_connection((host, int(port))) for _ in range(30)]
    try:
        for half in halves:
            half.sendall(HALF)
        headers = {"Authorization": f"Bearer {_token(airflow)}"}
        assert httpx.get(f"{airflow.url}/api/v2/dags", headers=headers, timeout=patient(15)).status_code == 200
        assert sender.send("GET", "health/ping").status_code in {200, 404}
        assert sender.beat().status_code == 204
    finally:
        for half in halves:
            half.close()


def test_slow_readers_keep_nobody_waiting(airflow: Embedded, sender: Sender) -> None:
    host, port = airflow.url.removeprefix("http://").split(":")
    assert sender.put("large", "x" * 5_000_000).status_code == 204
    ask = f"GET /execution/store/ti/{sender.id}/large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sender.token()}\r\n\r\n"
    readers = []
    try:
        for _ in range(12):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect((host, int(port)))
            readers.append(reader)
            reader.settimeout(patient(30))
            reader.sendall(ask.encode())
        assert all(reader.recv(1) for reader in readers), "each of them is being answered"
        headers = {"Authorization": f"Bearer {_token(airflow)}"}
        assert httpx.get(f"{airflow.url}/api/v2/dags", headers=headers, timeout=patient(15)).status_code == 200
    finally:
        for reader in readers:
            reader.close()


def test_many_real_runners_enqueue_at_once_while_people_look(airflow: Embedded) -> None:
    """Each asks for eight children; a family has the same ones."""
    families = RUNNERS if FULL else 2
    run_id = airflow.api.trigger("crowd", {"width": RUNNERS, "kids": 8, "families": families})
    reads: Counter[int] = Counter()
    headers = {"Authorization": f"Bearer {_token(airflow)}"}
    client = httpx.Client(base_url=airflow.url, headers=headers, timeout=patient(60))

    def ended() -> bool:
        reads[client.get("/api/v2/dags/crowd/dagRuns?limit=10").status_code] += 1
        return airflow.api.run("crowd", run_id)["state"] in {"success", "failed"}

    until(ended, what="the run has ended", seconds=300)
    result = airflow.api.xcom("crowd", run_id, "report")
    assert {name: result[name] for name in ("state", "subtasks", "succeeded")} == {
        "state": "complete",
        "subtasks": RUNNERS + 8 * families,
        "succeeded": RUNNERS + 8 * families,
    }
    tries = airflow.sql("select max(try_number) from task_instance where dag_id = 'crowd' and run_id = %s", run_id)
    assert tries == [(1,)], "an attempt was lost"
    assert set(reads) == {200}
