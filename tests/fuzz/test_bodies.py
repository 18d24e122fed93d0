"""Whatever a runner's token sends: no answer is a server's error, and the runs end as if nothing had been sent."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from urllib.parse import quote

import httpx
import pytest
from airflow.sdk.api.client import API_VERSION

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.fuzz import bodies
from tests.fuzz.made import cases
from tests.fuzz.wrong import Wrong
from tests.integration.growth.waiting import until
from tests.integration.server.runner import Sender
from tests.sizes import CALM, patient

DAGS = Path(__file__).parent / "dags"
JOBS = {"held": ("run", 2, 1), "held_batch": ("run", 4, 2), "held_steps": ("wait_for", 2, 1)}
"""Of each job the task that lives, how many subtasks its plan finds, and how many of them one runner has."""
MOST = 8
"""The jobs' limit of subtasks."""
RUNNER = """select id::text from task_instance
    where dag_id = %s and run_id = %s and task_id = %s and map_index <= 0 and state = %s"""
SECONDS = 120.0


@pytest.fixture(scope="module")
def airflow() -> Iterator[Embedded]:
    with Embedded(dags=DAGS, parallelism=10, env=CALM) as embedded:
        for job in JOBS:
            embedded.api.wait_for_dag(job)
        yield embedded


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that all subtasks wait for."""
    return tmp_path_factory.mktemp("go") / "go"


@pytest.fixture(scope="module")
def runs(airflow: Embedded, go: Path) -> dict[str, str]:
    return {job: airflow.api.trigger(job, {"go": str(go)}) for job in JOBS}


@pytest.fixture(scope="module")
def senders(airflow: Embedded, runs: dict[str, str]) -> list[Sender]:
    """Of each job a subtask that runs, and its plan, which has ended."""
    asked = [(job, runs[job], task, "running") for job, (task, *_) in JOBS.items()]
    asked += [(job, runs[job], "plan", "success") for job in JOBS]
    return [Sender(airflow, until(lambda one=one: airflow.sql(RUNNER, *one), what=str(one))[0][0]) for one in asked]


def send(client: httpx.Client, sender: Sender, request: bodies.Request) -> httpx.Response:
    path = f"/execution/store/ti/{sender.id}" + (f"/{quote(request.key)}" if request.key else "")
    headers = {"authorization": f"Bearer {sender.token()}", "airflow-api-version": API_VERSION}
    # A connection each: the server closes one on which it answered with an error of its own.
    headers |= {"connection": "close"} | ({"content-type": request.kind} if request.kind else {})
    return client.request(request.method, path, content=request.content, headers=headers)


def test_nothing_that_is_sent_is_a_servers_error_and_no_run_is_spoiled(
    airflow: Embedded, go: Path, runs: dict[str, str], senders: list[Sender], wrong: Wrong
) -> None:
    with httpx.Client(base_url=airflow.url, timeout=patient(SECONDS)) as client:
        for number, (case, random) in enumerate(cases("body")):
            _check_answer(client, random.choice(senders), bodies.request(random, number), case, wrong)
    go.touch()
    for job, run_id in runs.items():
        with wrong.of(job, run_id):
            _check_run(airflow, job, run_id)
    wrong.none()


def _check_answer(client: httpx.Client, sender: Sender, request: bodies.Request, case: str, wrong: Wrong) -> None:
    """What Airflow alone answers with an error of its own, such as a body of ``NaN``, it may answer here as well."""
    with wrong.of(case, request):
        answer = send(client, sender, request)
        if answer.status_code >= 500:
            alone = send(client, sender, replace(request, key="a-key-of-a-user"))
            assert alone.status_code >= 500, answer.text[:200]


def _check_run(airflow: Embedded, job: str, run_id: str) -> None:
    """In a runner's name its own subtasks may be spoiled, no other; what was enqueued in it was done."""
    assert airflow.api.wait(job, run_id, SECONDS)["state"] == "success"
    result = airflow.api.xcom(job, run_id, "report")
    _, planned, own = JOBS[job]
    assert planned <= result["subtasks"] <= MOST, result
    assert result["failed"] <= own, result
    assert result["succeeded"] == result["subtasks"] - result["failed"], result


def test_the_same_case_is_the_same_request() -> None:
    assert bodies.request(Random("body 1"), 1) == bodies.request(Random("body 1"), 1)
