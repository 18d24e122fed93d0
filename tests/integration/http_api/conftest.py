"""One Airflow with four users, and what calls its HTTP API as one of them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import CALM, patient

HERE = Path(__file__).parent
DAGS = HERE / "dags"
USERS = {"admin": "admin", "uwe": "user", "vera": "viewer", "otto": "user"}
"""``otto`` may see one job only: see ``on_path/one_job.py``."""
ENV = {
    **CALM,
    "AIRFLOW__CORE__AUTH_MANAGER": "one_job.OneJob",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
    "PYTHONPATH": str(HERE / "on_path"),
}


@pytest.fixture(scope="package")
def airflow() -> Iterator[Embedded]:
    with Embedded(dags=DAGS, parallelism=4, env=ENV) as embedded:
        for job in ("watched", "full", "once", "plain"):
            embedded.api.wait_for_dag(job)
        yield embedded


@pytest.fixture(scope="package")
def login(airflow: Embedded):
    """Return a client with the credentials of a user; None: without."""
    passwords = json.loads((airflow.folder / "simple_auth_manager_passwords.json.generated").read_text())
    clients = []

    def make(user):
        headers = {}
        if user is not None:
            body = {"username": user, "password": passwords[user]}
            answer = httpx.post(f"{airflow.url}/auth/token", json=body, timeout=patient(60)).raise_for_status()
            headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        limits = httpx.Limits(max_connections=300)
        clients.append(httpx.Client(base_url=airflow.url, headers=headers, timeout=patient(180), limits=limits))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="package")
def http(login) -> httpx.Client:
    return login("uwe")


@pytest.fixture
def submit(http):
    def send(job, conf=None, **more):
        answer = http.post(f"{PREFIX}/jobs/{job}/runs", json={"conf": conf or {}, **more})
        assert answer.status_code == 202, answer.text
        return answer.json()

    return send


def until(look, what: str, seconds: float = 120):
    """Wait until ``look`` returns something true, and return that."""
    end = time.monotonic() + patient(seconds)
    while not (found := look()):
        assert time.monotonic() < end, f"no {what} after {seconds} s"
        time.sleep(0.2)
    return found
