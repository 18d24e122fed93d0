"""Work that a test holds up: each subtask waits for a file."""

import time
from pathlib import Path

from airflow_mcp_provider.runtime import enqueue, progress


def plan(params):
    return [{"name": f"root/{number}"} for number in range(params["count"])]


def visit(subtask, params):
    name = subtask["name"]
    print(f"visiting {name}")  # noqa: T201 - a line of the log
    for number in range(params["kids"] if name.count("/") == 1 else 0):
        enqueue({"name": f"{name}/{number}"})
    progress(0.5, f"half of {name}")
    while params["file"] and not Path(params["file"]).exists():
        time.sleep(0.1)
    if params["fails"] in name:
        raise LookupError(f"{name} fails")
    return {"name": name}


def summary(outcomes):
    return {"names": sorted(outcome.key for outcome in outcomes)}
