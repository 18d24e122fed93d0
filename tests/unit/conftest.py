"""Airflow's own home for unit tests: set before anything imports Airflow, so that no user's is touched."""

from __future__ import annotations

import gc
import os
import tempfile
import threading

import pytest

from tests.sizes import patient

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="mcp-unit-")
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
# Set whatever stood there: a process of pytest-xdist is given the environment of the one that started it.
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{os.environ['AIRFLOW_HOME']}/unit.db"


@pytest.fixture(autouse=True)
def threads():
    """Hold each test to end the threads it began: one that holds a lock when another test forks stops the child."""
    before = set(threading.enumerate())
    yield
    left = set(threading.enumerate()) - before
    for each in left:
        each.join(0.1)
    if any(each.is_alive() for each in left):
        gc.collect()  # the threads of a pool end with it
    for each in left:
        each.join(patient(30))
        assert not each.is_alive(), f"the test has left a thread: {each}"


@pytest.fixture(autouse=True)
def no_parsing_context():
    """Let no test see the parsing context of another: Airflow's own context manager leaves its variables behind."""
    for name in ("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "_AIRFLOW_PARSING_CONTEXT_TASK_ID"):
        os.environ.pop(name, None)
