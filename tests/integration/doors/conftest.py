"""Two API servers without a scheduler: no run starts, so none leaves its queue, and no state changes by itself."""

from collections.abc import Iterator

import httpx
import pytest

from airflow_mcp_provider.embedded.airflow import USER, Embedded
from tests.integration.http_api.conftest import DAGS
from tests.sizes import CALM, patient


@pytest.fixture(scope="package")
def airflow() -> Iterator[Embedded]:
    with Embedded(dags=DAGS, schedulers=0, api_servers=2, env=CALM) as embedded:
        for job in ("flood", "once", "watched"):
            embedded.api.wait_for_dag(job)
        yield embedded


@pytest.fixture(scope="package")
def token(airflow) -> str:
    body = {"username": USER, "password": airflow.password}
    answer = httpx.post(f"{airflow.url}/auth/token", json=body, timeout=patient(60))
    return answer.raise_for_status().json()["access_token"]
