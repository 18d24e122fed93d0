"""Work that enqueues further subtasks, and waits for a file where a test says so."""

import time
from pathlib import Path

from airflow_mcp_provider.runtime import enqueue


def plan(params):
    return [{"name": "root", "kids": params["kids"]}]


def visit(subtask, params):
    for number in range(subtask.get("kids", 0)):
        enqueue({"name": f"{subtask['name']}/{number}"})
    while params.get("file") and not Path(params["file"]).exists():
        time.sleep(0.1)
    return subtask["name"]


def go_on(subtask, params):
    return subtask["name"]
