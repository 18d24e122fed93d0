"""Airflow's own home for the fuzz: set before anything imports Airflow, so that no user's is touched."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.fuzz.wrong import Wrong
from tests.sizes import FULL

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="mcp-fuzz-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
# Set whatever stood there: a process of pytest-xdist is given the environment of the one that started it.
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{os.environ['AIRFLOW_HOME']}/fuzz.db"


@pytest.fixture
def wrong() -> Wrong:
    """Keep what breaks a rule, so that one look shows every kind of fault."""
    return Wrong()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The full size takes longer than a test of the gate may."""
    for item in items:
        if FULL and item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(3600))
