"""One Airflow for all templates: the DAG folder that is shipped, unchanged."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.cli.embedded import Embedded
from tests.integration.templates import postgres_server, redis_server
from tests.integration.templates.postgres_server import Server

ROOT = Path(__file__).parents[3]
FULL = os.environ.get("MCP_TEST_FULL") == "1"
"""Every size as large as it is promised; without it, as large as a few minutes allow."""
QUICK = "fit_report_quick"
"""The same job with a hard limit that a test has time for."""
QUICK_SECTIONS = "write_sections_quick"
"""The same job with a second, instead of a minute, between two attempts."""


@pytest.fixture(scope="package")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    folder = tmp_path_factory.mktemp("airflow") / "dags"
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    quick = (folder / "jobs" / "fit_report.yaml").read_text().replace("hard: 30m", "hard: 12s")
    (folder / "jobs" / f"{QUICK}.yaml").write_text(quick)
    sections = (folder / "jobs" / "write_sections.yaml").read_text().replace("delay: 60s", "delay: 1s")
    (folder / "jobs" / f"{QUICK_SECTIONS}.yaml").write_text(sections)
    passfile = folder.parent / "pgpass"
    env = {
        "REDIS_PASSWORD": redis_server.PASSWORD,
        "PGPASSFILE": str(passfile),
        "PATH": f"{postgres_server.BIN}:{os.environ['PATH']}",
    }
    with Embedded(dags=folder, parallelism=5, env=env) as embedded:
        yield embedded


@pytest.fixture
def backup_airflow(airflow: Embedded) -> Iterator[tuple[Embedded, Server]]:
    """A Postgres whose password is where the runners' environment says."""
    with postgres_server.served() as server:
        passfile = Path(airflow.env["PGPASSFILE"])
        passfile.touch(mode=0o600)
        passfile.write_text(server.passfile.read_text())
        yield airflow, server
