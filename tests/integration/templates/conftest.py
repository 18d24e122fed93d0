"""One Airflow for all templates: the DAG folder that is shipped, but for the pauses between two attempts."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates import held, postgres_server, redis_server
from tests.integration.templates.postgres_server import Server
from tests.sizes import CALM

ROOT = Path(__file__).parents[3]
QUICK = "fit_report_quick"
"""The same job with a hard limit that a test has time for."""


def hasten(folder: Path) -> None:
    """Let all jobs of a folder try again after a second: ten kills would be a minute of waiting."""
    for spec in [*(folder / "jobs").glob("*.yaml"), folder / "twin.py"]:
        spec.write_text(re.sub(r"""(delay[:=] ?"?)(5|60)s""", r"\g<1>1s", spec.read_text()))


@pytest.fixture(scope="package")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    folder = tmp_path_factory.mktemp("airflow") / "dags"
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    hasten(folder)
    held.install(folder)
    quick = (folder / "jobs" / "fit_report.yaml").read_text().replace("hard: 30m", "hard: 12s")
    (folder / "jobs" / f"{QUICK}.yaml").write_text(quick)
    passfile = folder.parent / "pgpass"
    env = {
        **CALM,
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",  # a runner waits there for its killer
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
