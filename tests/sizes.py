"""The sizes and time limits of the tests, set by two environment variables.

``MCP_TEST_FULL=1``: the large sizes, as the documentation promises them. The default sizes take minutes in all.
``MCP_TEST_PATIENCE=3``: every time limit is three times as long, for a slow or busy machine.
"""

import os

FULL = os.environ.get("MCP_TEST_FULL") == "1"
PATIENCE = float(os.environ.get("MCP_TEST_PATIENCE", "1"))

PARSED_ONCE = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600"}
"""A DAG file is parsed when it is found and when a test asks for it: each parse takes a processor for seconds."""
CALM = {**PARSED_ONCE, "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3"}
"""For an Airflow whose tests mostly wait: an idle scheduler that loops ten times a second takes a fifth of a processor."""


def patient(seconds: float) -> float:
    """Return a time limit, scaled for this machine."""
    return seconds * PATIENCE
