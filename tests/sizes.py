"""The sizes and time limits of the tests, set by two environment variables.

``MCP_TEST_FULL=1``: the large sizes, as the documentation promises them. The default sizes take minutes in all.
``MCP_TEST_PATIENCE=3``: every time limit is three times as long, for a slow or busy machine.
"""

import os

FULL = os.environ.get("MCP_TEST_FULL") == "1"
PATIENCE = float(os.environ.get("MCP_TEST_PATIENCE", "1"))

CALM = {"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3"}
"""For an Airflow whose tests mostly wait: an idle scheduler that loops ten times a second takes a fifth of a processor."""


def patient(seconds: float) -> float:
    """Return a time limit, scaled for this machine."""
    return seconds * PATIENCE
