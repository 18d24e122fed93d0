"""What the called jobs do: as their conf says."""

import time
from pathlib import Path

import record

from airflow_mcp_provider.errors import McpError
from airflow_mcp_provider.runtime import enqueue


def plan(params):
    return params["subtasks"]


def called_plan(params):
    record.note(params["record"], run=params["name"], begins=True)
    yield {"name": params["name"]}


def called(subtask, params):
    calls = len(record.seen(params["record"], run=params["name"], begins=True))
    if params["does"] == "fail" or (params["does"] == "fail_first" and calls == 1):
        raise LookupError(f"{params['name']} fails")
    while params["does"] == "wait" and not Path(params["file"]).exists():
        time.sleep(0.05)
    record.note(params["record"], run=params["name"], ends=True)
    return {"name": params["name"], "call": calls}


def after(subtask):
    return [subtask["name"], subtask["first"]]


def mixed(subtask, params):
    """Enqueue its own and the other job's, as it is told; what is refused is its result."""
    told = []
    for one in subtask.get("enqueues", ()):
        try:
            told.append(enqueue(one["payload"], key=one.get("key"), job=one.get("job")))
        except McpError as error:
            told.append(f"{type(error).__name__}: {error}")
    return told


def only(outcomes):
    return [one.result for one in outcomes]


def outcomes(outcomes):
    return [
        {
            "key": one.key,
            "step": one.step,
            "job": one.job,
            "parent": one.parent,
            "result": one.result,
            "error": one.error and [one.error.type, one.error.message],
        }
        for one in outcomes
    ]
