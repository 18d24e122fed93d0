"""Runs in an environment with the peers' own libraries: see ``tests/integration/test_peers.py``."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

# Before a test imports Airflow, which would write into the user's own home.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="mcp-peers-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)

HERE = Path(__file__).parent
QUIET = {
    "DO_NOT_TRACK": "1",
    "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "False",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # 20 by default, too few beside other tests
}
NO_BROKER = "redis://127.0.0.1:1/0"
"""Nobody listens there: calling a function needs none."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents: the text of this project's own licence, in pieces."""
    folder = tmp_path_factory.mktemp("documents")
    for number, text in enumerate((HERE.parents[1] / "LICENSE").read_text().split("\n\n")[:4]):
        (folder / f"{number}.txt").write_text(text)
    return folder


@pytest.fixture(scope="session")
def words(folder: Path) -> int:
    """The sum, by ``wc``."""
    files = sorted(map(str, folder.iterdir()))
    return int(subprocess.run(["wc", "-w", *files], capture_output=True, text=True, check=True).stdout.split()[-2])


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., str]:
    """Run a program as the peer's own user would; its output."""

    def run(*arguments: str, broker: str = NO_BROKER) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environment(broker) | {"PREFECT_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def environment(broker: str = NO_BROKER) -> dict[str, str]:
    return {**os.environ, **QUIET, "PYTHONPATH": str(HERE / "apps"), "BROKER": broker}
