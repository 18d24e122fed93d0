"""How large and how patient the tests are: two variables of the environment.

``MCP_TEST_FULL=1``: every size as large as it is promised. Without it, as large as a few minutes allow.
``MCP_TEST_PATIENCE=3``: every limit of time is three times as long, for a machine that is slow or busy.
"""

import os

FULL = os.environ.get("MCP_TEST_FULL") == "1"
PATIENCE = float(os.environ.get("MCP_TEST_PATIENCE", "1"))

CALM = {"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3"}
"""For an Airflow whose tests mostly wait: a scheduler that looks ten times a second costs a fifth of a processor."""


def patient(seconds: float) -> float:
    """Give a limit of time for this machine."""
    return seconds * PATIENCE
