"""Submits through all doors at the same instant, to two API servers: exactly as many are accepted as the job allows."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from airflow_mcp_provider.client.models import PREFIX
from tests.integration.http_api.conftest import until
from tests.integration.server.runner import Sender
from tests.sizes import FULL, patient

JOB, LIMIT = "flood", 40
FULL_QUEUE = f"{LIMIT} runs are queued, and queue.max_pending is {LIMIT}"
SENT = 1000 if FULL else 200
SHELLS = 3
ACCEPTED = {"ours": 202, "rest": 200, "runner": 204}


@pytest.fixture(scope="module")
def runner(airflow):
    """The runner of a task of another job."""
    run = airflow.api.trigger("once", {})
    return Sender(airflow, str(airflow.sql("SELECT id FROM task_instance WHERE run_id = %s LIMIT 1", run)[0][0]))


def _requests(token, runner):
    """Return so many submits as (door, path, body, headers)."""
    user = {"Authorization": f"Bearer {token}"}
    task = {"Authorization": f"Bearer {runner.token()}"}
    doors = (
        lambda n: ("ours", f"{PREFIX}/jobs/{JOB}/runs", {"conf": {"count": n}}, user),
        lambda n: ("rest", f"/api/v2/dags/{JOB}/dagRuns", {"conf": {"count": n}, "logical_date": None}, user),
        lambda n: ("runner", f"/execution/dag-runs/{JOB}/called-{n}", {"conf": {"count": n}}, task),
    )
    return [doors[number % len(doors)](number) for number in range(SENT)]


async def _flood(urls, requests):
    """Send all at once, to the servers in turn."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=patient(150), limits=limits) as client:
        sent = [
            client.post(f"{urls[number % len(urls)]}{path}", json=body, headers=headers)
            for number, (_, path, body, headers) in enumerate(requests)
        ]
        return await asyncio.gather(*sent)


def _shells(airflow, folder, number=SHELLS):
    """Start so many shells that trigger a run when the file ``go`` is there."""
    script, go = Path(__file__).with_name("shell.py"), folder / "go"
    ready = [folder / f"ready-{one}" for one in range(number)]
    started = [
        subprocess.Popen(
            [sys.executable, script, one, go, "dags", "trigger", JOB],
            env=airflow.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for one in ready
    ]
    until(lambda: all(one.exists() for one in ready), "start of the shells")
    return started, go


def _client(airflow, token):
    command = [sys.executable, "-m", "airflow_mcp_provider.console.main", "submit", JOB, "-c", "count=1"]
    return subprocess.Popen(
        [*command, "--url", airflow.urls[1], "--token", token],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _ended(programs):
    """Return how often each exit code came, and the output of those that failed."""
    outputs = [one.communicate(timeout=patient(150))[0] for one in programs]
    codes = [one.returncode for one in programs]
    return Counter(codes), [text for code, text in zip(codes, outputs, strict=True) if code]


def test_a_flood_through_all_doors(airflow, token, runner, tmp_path):
    requests = _requests(token, runner)
    shells, go = _shells(airflow, tmp_path)
    clients = [_client(airflow, token) for _ in range(SHELLS)]
    go.touch()
    answers = asyncio.run(_flood(airflow.urls, requests))
    in_shells, refused_in_shells = _ended(shells)
    by_clients, refused_of_clients = _ended(clients)
    doors = Counter((door, answer.status_code) for (door, *_), answer in zip(requests, answers, strict=True))
    print(doors, in_shells, by_clients)  # noqa: T201 - seen when it fails
    assert all(status in {ACCEPTED[door], 429} for door, status in doors), doors
    assert set(in_shells) <= {0, 1}, refused_in_shells
    assert set(by_clients) <= {0, 3}, refused_of_clients
    accepted = sum(doors[door, status] for door, status in ACCEPTED.items()) + in_shells[0] + by_clients[0]
    there = airflow.sql("SELECT count(*) FROM dag_run WHERE dag_id = %s AND state = 'queued'", JOB)[0][0]
    assert (accepted, there) == (LIMIT, LIMIT), doors
    _refusals([answer for answer in answers if answer.status_code == 429])
    assert all(FULL_QUEUE in text for text in refused_in_shells), refused_in_shells


def _refusals(answers):
    """Each says when to come back, and why, in a text."""
    for answer in answers:
        assert int(answer.headers["Retry-After"]) >= 1
        assert isinstance(answer.json()["detail"], str), answer.text
    assert any(FULL_QUEUE in answer.json()["detail"] for answer in answers)


def test_every_door_is_shut_and_the_servers_are_well(airflow, token, runner, tmp_path):
    """Once more, one by one: no door lets a run in, and no request waits."""
    for door, path, body, headers in _requests(token, runner)[:3]:
        for url in airflow.urls:
            where = f"{url}{path}-more" if door == "runner" else f"{url}{path}"
            answer = httpx.post(where, json=body, headers=headers, timeout=patient(60))
            assert answer.status_code == 429, (door, answer.text)
            assert FULL_QUEUE in answer.json()["detail"]
    shells, go = _shells(airflow, tmp_path, 1)
    go.touch()
    codes, (text,) = _ended(shells)
    assert codes == {1: 1}
    assert text.splitlines()[-1].endswith(f"job {JOB}: {FULL_QUEUE}; try again when one has started"), text
    codes, (text,) = _ended([_client(airflow, token)])
    assert codes == {3: 1}
    assert FULL_QUEUE in text
