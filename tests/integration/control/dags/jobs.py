"""Every job of ``jobs/``, as a DAG."""

import os
import time
from pathlib import Path

from airflow.sdk import get_parsing_context

from airflow_mcp_provider.factory import load_dags

globals().update(load_dags(Path(__file__).parent / "jobs"))

if (get_parsing_context().dag_id, get_parsing_context().task_id) == ("slow_start", "run"):
    end = time.monotonic() + 100
    while not Path(os.environ["AIRFLOW_HOME"], "loaded").exists() and time.monotonic() < end:
        time.sleep(0.02)
