"""One Airflow with the examples of ``dags/schedules``, and with jobs that are due within seconds."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import CALM

ROOT = Path(__file__).parents[3]
BEGUN = datetime.now(UTC)
AHEAD = timedelta(seconds=5)
SMALL = "plan: {items: [now]}\nrun: {shell: 'true'}\n"
LOADER = """\
from pathlib import Path
from airflow_mcp_provider.factory import load_dags
globals().update(load_dags(Path(__file__).parent / "due"))
"""
DUE = {
    "often": "schedule: {every: 2s}\n",
    "each_missed": "schedule: {every: 1h, start: 2026-01-01, end: 2026-01-01T02:00, coalesce: false}\n",
    "late": "schedule: {at: 2026-01-01T09:00}\n",
    "night": "schedule: {cron: '30 2 * * *', timezone: Australia/Lord_Howe}\n",
}


def add(folder: Path, name: str, schedule: str) -> None:
    """Write the spec of a job, and let the DAG processor see a new DAG file."""
    (folder / "due").mkdir(exist_ok=True)
    (folder / "due" / f"{name}.yaml").write_text(SMALL + schedule)
    fresh = folder / "due.new"
    fresh.write_text(f"{LOADER}# {datetime.now(UTC)}\n")
    fresh.replace(folder / "due.py")  # a parse reads all of it


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the DAG folder."""
    found = tmp_path_factory.mktemp("airflow") / "dags"
    found.mkdir()
    for name, schedule in DUE.items():
        add(found, name, schedule)
    shutil.copy(ROOT / "dags" / "scheduled.py", found)
    shutil.copytree(ROOT / "dags" / "schedules", found / "schedules", ignore=shutil.ignore_patterns("__pycache__"))
    return found


@pytest.fixture(scope="package")
def airflow(folder: Path) -> Iterator[Embedded]:
    env = {**CALM, "INBOX": str(folder.parent / "inbox"), "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2"}
    with Embedded(dags=folder, parallelism=8, triggerer=True, env=env) as embedded:
        yield embedded
