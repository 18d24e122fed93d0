"""The real Airflows of these tests: started once, shared by all that can share one."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import CALM, patient

DAGS = Path(__file__).parent / "dags"
TREES = 20
MAPPABLE = 40
"""What one mapped task of Airflow may have; the default is 1,024."""

# A scheduler or a runner that a test has killed is missed sooner than by default (30 s, 300 s).
WATCHFUL = {
    **CALM,
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
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


def copied(folder: Path, trees: int) -> Path:
    """Copy the DAG folder, with so many jobs of the tree: a job has one active run."""
    shutil.copytree(DAGS, folder, ignore=shutil.ignore_patterns("__pycache__"))
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
