"""Each root enqueues its family's children one by one, and returns how long each ``enqueue`` took."""

import time

from airflow_mcp_provider.runtime import enqueue


def plan(params):
    families, kids = params["families"], params["kids"]
    return [{"node": f"{n}", "family": n % families, "kids": kids} for n in range(params["width"])]


def visit(subtask):
    took = []
    for number in range(subtask["kids"]):
        begun = time.monotonic()
        enqueue({"node": f"{subtask['family']}.{number}", "kids": 0})
        took.append(time.monotonic() - begun)
    return took
