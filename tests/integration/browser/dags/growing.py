"""Work that grows, and that waits where a test says so."""

import time
from pathlib import Path

from airflow_mcp_provider.runtime import enqueue_many, progress


def plan(params):
    return [{"name": f"root-{number:02}"} for number in range(params["roots"])]


def look(subtask, params):
    name = subtask["name"]
    root, _, kid = name.partition("/")
    if not kid:
        enqueue_many({"name": f"{name}/kid-{number:02}"} for number in range(params["kids"]))
        progress(0.5, f"looking at {name}")
    elif kid == "kid-07" and not Path(params["file"]).exists():
        raise LookupError(f"{name} is not there")
    if params["gates"]:
        _wait(Path(params["gates"]), name, root)


def _wait(gates, name, root):
    (gates / f"begun {name.replace('/', ' ')}").touch()
    while not (gates / root).exists():
        time.sleep(0.1)


def keep(subtask):
    return {"kept": subtask["name"]}
