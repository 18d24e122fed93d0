"""One Airflow for all templates: the DAG folder that is shipped, unchanged."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.cli.embedded import Embedded
from tests.integration.templates import redis_server

ROOT = Path(__file__).parents[3]
FULL = os.environ.get("MCP_TEST_FULL") == "1"
"""Every size as large as it is promised; without it, as large as a few minutes allow."""


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    folder = tmp_path_factory.mktemp("airflow") / "dags"
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    with Embedded(dags=folder, parallelism=5, env={"REDIS_PASSWORD": redis_server.PASSWORD}) as embedded:
        yield embedded
