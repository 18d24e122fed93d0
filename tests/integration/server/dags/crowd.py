"""Each root enqueues its children one by one, and returns how long each ``enqueue`` took."""

import time

from airflow_mcp_provider.runtime import enqueue


def plan(params):
    return [{"node": f"{number}", "kids": params["kids"]} for number in range(params["width"])]


def visit(subtask):
    took = []
    for number in range(subtask["kids"]):
        begun = time.monotonic()
        enqueue({"node": f"{subtask['node']}.{number}", "kids": 0})
        took.append(time.monotonic() - begun)
    return took
