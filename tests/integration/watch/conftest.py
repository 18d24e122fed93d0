"""One Airflow with a triggerer, a folder and a Redis whose work it watches."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates import redis_server
from tests.sizes import CALM

DAGS = Path(__file__).parent / "dags"


@pytest.fixture(scope="package")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("inbox")
    for job in ("files", "second"):
        (root / job).mkdir()
    return root


@pytest.fixture(scope="package")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server.served(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="package")
def airflow(inbox: Path, redis_url: str) -> Iterator[Embedded]:
    env = {
        **CALM,
        "MCP_TEST_INBOX": str(inbox),
        "MCP_TEST_REDIS": redis_url,
        "MCP_TEST_REDIS_PASSWORD": redis_server.PASSWORD,
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    }
    with Embedded(dags=DAGS, triggerer=True, env=env) as embedded:
        address = {"host": "127.0.0.1", "port": urlsplit(redis_url).port, "password": redis_server.PASSWORD}
        embedded.api.post("/connections", {"connection_id": "uploads", "conn_type": "redis", **address})
        for job in ("files", "second", "messages", "same_one", "same_other", "raises", "hangs", "floods", "uploads"):
            embedded.api.wait_for_dag(job)
        yield embedded
