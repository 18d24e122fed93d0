"""Airflow's own home for the fuzz: set before anything imports Airflow, so that no user's is touched."""

import atexit
import os
import shutil
import tempfile

import pytest

from tests.fuzz.wrong import Wrong

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="mcp-fuzz-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{os.environ['AIRFLOW_HOME']}/fuzz.db")


@pytest.fixture
def wrong() -> Wrong:
    """Keep what breaks a rule, so that one look shows every kind of fault."""
    return Wrong()
