"""Work that does what the conf of its run says."""

import time
from pathlib import Path

from airflow_mcp_provider.runtime import enqueue, progress


def plan(params):
    return [{"name": "root"}] if params["count"] else []


def work(subtask, params):
    name = subtask["name"]
    print(f"working on {name}")  # noqa: T201 - a line of the log
    if name == "root":
        for number in range(1, params["count"]):
            enqueue({"name": f"leaf-{number}"})
    progress(0.5, f"half of {name}")
    while name == params["waits"] and not Path(params["file"]).exists():
        time.sleep(0.1)
    if name == params["fails"] and not Path(params["file"]).exists():
        raise LookupError(f"{name} fails")
    return name


def summary(outcomes):
    return {"names": sorted(outcome.key for outcome in outcomes)}
