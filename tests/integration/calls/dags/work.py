"""What the called jobs do: as their conf says."""

import time
from pathlib import Path

import record


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


def only(outcomes):
    return [one.result for one in outcomes]


def outcomes(outcomes):
    return [
        {
            "key": one.key,
            "step": one.step,
            "result": one.result,
            "error": one.error and [one.error.type, one.error.message],
        }
        for one in outcomes
    ]
