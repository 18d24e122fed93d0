"""Work that grows for some seconds, for a page that shows it."""

import time
from pathlib import Path

from airflow_mcp_provider.runtime import enqueue_many, progress


def plan(params):
    return [{"name": f"root-{number:02}"} for number in range(params["roots"])]


def look(subtask, params):
    name = subtask["name"]
    if name.startswith("root") and "/" not in name:
        enqueue_many({"name": f"{name}/kid-{number:02}"} for number in range(params["kids"]))
        progress(0.5, f"looking at {name}")
        time.sleep(params["pause"])
    elif name.endswith("kid-07") and not Path(params["file"]).exists():
        raise LookupError(f"{name} is not there")


def keep(subtask):
    return {"kept": subtask["name"]}
