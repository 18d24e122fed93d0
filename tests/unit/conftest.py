"""Airflow's own home for unit tests: set before anything imports Airflow, so that no user's is touched."""

from __future__ import annotations

import os
import tempfile

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="mcp-unit-")
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
# Set whatever stood there: a process of pytest-xdist is given the environment of the one that started it.
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{os.environ['AIRFLOW_HOME']}/unit.db"
