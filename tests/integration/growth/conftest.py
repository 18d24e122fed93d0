"""The real Airflows of these tests: started once, shared by all that can share one."""

import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import CALM, FULL, patient

DAGS = Path(__file__).parent / "dags"
TREES = 20 if FULL else 8
MAPPABLE = 20
"""What one mapped task of Airflow may have; the default is 1,024."""

# A scheduler or a runner that a test has killed is missed sooner than by default (30 s, 300 s).
WATCHFUL = {
    **CALM,
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": f"{patient(20):.0f}",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    # Longer than the start of an API server, which a busy machine may need half a minute for: without one, no heartbeats.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": f"{patient(20):.0f}",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
}

# What a test asks the DAG processor to parse again is written at once: by default not within 30 s after it was written.
EDITED = {"AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1"}

SECRETS = {  # in the environment of every process, so of runners too
    "CRAWLER_TOKEN": "variable-of-the-environment-7731",
    "AIRFLOW_CONN_ARCHIVE": "https://me:password-in-an-url-8842@archive.example",
}


def patient_seconds(seconds: float) -> int:
    """Return what a time in a line with the comment ``# patient`` of a job becomes."""
    return math.ceil(patient(seconds))


def patient_copy(source: Path, folder: Path) -> Path:
    """Copy a DAG folder. Times in lines with the comment ``# patient`` are scaled: a busy machine needs them longer."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for spec in folder.glob("jobs/*.yaml"):
        lines = (_patient_line(line) for line in spec.read_text().splitlines(keepends=True))
        spec.write_text("".join(lines))
    return folder


def _patient_line(line: str) -> str:
    if not line.endswith("# patient\n"):
        return line
    return re.sub(r"\b(\d+)s\b", lambda found: f"{patient_seconds(int(found[1]))}s", line)


def copied(folder: Path, trees: int) -> Path:
    """Copy the DAG folder, with so many jobs of the tree: a job has one active run."""
    patient_copy(DAGS, folder)
    for number in range(trees):
        shutil.copyfile(folder / "jobs/tree.yaml", folder / f"jobs/tree-{number}.yaml")
    return folder


@pytest.fixture(scope="package")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the DAG folder that tests may edit."""
    return copied(tmp_path_factory.mktemp("airflow") / "dags", TREES)


@pytest.fixture(scope="package")
def airflow(dags: Path) -> Iterator[Embedded]:
    """Two schedulers, two API servers, Postgres."""
    env = {**WATCHFUL, **EDITED, **SECRETS, "AIRFLOW__CORE__MAX_MAP_LENGTH": str(MAPPABLE)}
    with Embedded(dags=dags, schedulers=2, api_servers=2, parallelism=5, env=env) as embedded:
        embedded.api.wait_for_dag("tree")
        yield embedded


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The file in which the jobs' code notes what it does."""
    return tmp_path / "record.jsonl"
