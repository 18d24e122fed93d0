"""Real Airflows for the integration tests. Nothing is skipped: what cannot be started fails, here as in CI.

``airflow_pg`` is shared by all tests that leave it as it was; ``start_airflow`` starts another topology. The folders are
packages so that an Airflow of one ends with it: an idle one costs a fifth of a core.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import CALM

# Before a test imports Airflow, which would write into the user's own home.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="mcp-integration-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)

DAGS = Path(__file__).parent / "dags"
Start = Callable[..., Embedded]


@pytest.fixture(scope="package")
def airflow_pg() -> Iterator[Embedded]:
    """One scheduler and one API server on Postgres, with the tests' DAGs."""
    with Embedded(dags=DAGS, env=CALM) as embedded:
        yield embedded


@pytest.fixture
def start_airflow() -> Iterator[Start]:
    """Start topologies of a test's own; they end with the test."""
    with ExitStack() as stack:

        def start(**topology: Any) -> Embedded:
            return stack.enter_context(Embedded(**{"dags": DAGS, "env": CALM, **topology}))

        yield start
