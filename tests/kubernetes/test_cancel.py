"""A cancel through the job control API: pods that work may clean up, pods that wait are deleted, and none starts afterwards."""

from __future__ import annotations

import time
from urllib.parse import quote

import httpx
import pytest

from tests.kubernetes.runners import DATA, until

SETTLED = 15.0
"""Seconds in which a pod that was created before the cancel would have begun its work."""


@pytest.fixture
def cancel(runners):
    airflow = runners.airflow
    login = {"username": "admin", "password": airflow.password}
    token = httpx.post(f"{airflow.url}/auth/token", json=login, timeout=90).raise_for_status().json()["access_token"]

    def cancel(job, run, **body):
        url = f"{airflow.url}/job-control/v1/jobs/{job}/runs/{quote(run, safe='')}/cancel"
        answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=90)
        assert answer.is_success, answer.text
        return answer.json()

    yield cancel
    runners.none_left()


def start(runners, job, **conf):
    runners.airflow.api.wait_for_dag(job)
    return runners.airflow.api.trigger(job, conf)


def seen(runners, name):
    """What the subtasks have written: item, what, when."""
    file = runners.data / name
    lines = file.read_text().splitlines() if file.exists() else []
    return [line.rsplit(" ", 1) for line in lines]


def instances(runners, job, run, state):
    return [one for one in runners.airflow.api.task_instances(job, run) if one["state"] == state]


def test_pods_that_wait_for_a_node(runners, cancel):
    run = start(runners, "no_node")
    until("the end of the plan", lambda: instances(runners, "no_node", run, "success"))
    until("pending pods", lambda: len(runners.pods()) == 8)
    answer = cancel("no_node", run, reason="no such node")
    assert (answer["running"], answer["waiting"]) == (0, 8 + 1), "with the report"
    assert answer["state"] in {"cancelling", "cancelled"}, "its plan has just ended"
    runners.none_left(30)
    again = start(runners, "echo", number=1)  # the executor's slots are free again
    assert runners.airflow.api.wait("echo", again)["state"] == "success"


def test_pods_that_work_and_enqueue(runners, cancel):
    """Some of its pods work, others are on their way, and each that works enqueues more."""
    run = start(runners, "tidy", until=f"{DATA}/never", record=f"{DATA}/tidy", cleanup=9)
    until("three at work", lambda: len(seen(runners, "tidy")) >= 3)
    answer = cancel("tidy", run, grace=30)
    at = time.time()
    assert answer["state"] == "cancelling"
    assert answer["running"] >= 3
    assert answer["waiting"] >= 1
    runners.none_left()
    time.sleep(max(0.0, SETTLED - (time.time() - at)))
    words = seen(runners, "tidy")
    begun = {line.split()[0] for line, _ in words if line.endswith("begin")}
    cleaned = {line.split()[0] for line, _ in words if line.endswith("cleaned up")}
    # Longer than Airflow waits by itself.
    assert begun == cleaned, "\n".join(runners.airflow.api.log("tidy", run, "run", int(one)) for one in begun - cleaned)
    late = [line for line, when in words if line.endswith("begin") and float(when) > at + 0.05]
    assert not late
    states = {one["state"] for one in runners.airflow.api.task_instances("tidy", run)}
    assert states == {"success", "failed", "skipped"}
    assert len(instances(runners, "tidy", run, "failed")) == answer["running"]
