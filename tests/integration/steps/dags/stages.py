"""Three stages that note what they do; a subtask's payload says what it meets on its way.

``{"node": "a", "at": {"search": "fail_first"}}``; where nothing is said, a stage just works.
"""

import os
import signal
import time
from pathlib import Path

import psutil
import record

from airflow_mcp_provider.runtime import enqueue

STEPS = ("search", "write", "review")


def plan(params):
    return params["subtasks"]


def search(subtask, params):
    return _stage("search", subtask, params)


def write(subtask, params):
    return _stage("write", subtask, params)


def review(subtask, params):
    return _stage("review", subtask, params)


def _stage(step, subtask, params):
    where = {"node": subtask["node"], "step": step}
    record.note(params["record"], **where, begins=True)
    tries = len(record.seen(params["record"], **where, begins=True))
    met = globals()[subtask.get("at", {}).get(step, "nothing")](subtask, tries)
    record.note(params["record"], **where, ends=True)
    return {"by": step, "try": tries, "sees": {name: subtask[name]["try"] for name in STEPS if name in subtask}, **met}


def nothing(subtask, tries):
    return {}


def fail(subtask, tries):
    raise LookupError(f"{subtask['node']} never works")


def fail_first(subtask, tries):
    if tries == 1:
        raise OSError(f"{subtask['node']} fails at first")
    return {}


def killed(subtask, tries):
    """The runner dies in the middle of its work, once."""
    if tries == 1:
        psutil.Process(os.getppid()).kill()
        signal.pause()
    return {}


def killed_in_between(subtask, tries):
    """The runner dies when its subtask is handed on, before it hears of that: see ``deadly``."""
    return {"dies": [os.getppid()]}


def machine_lost_in_between(subtask, tries):
    """Likewise with its supervisor: nobody is left to tell."""
    return {"dies": [psutil.Process(os.getppid()).ppid(), os.getppid()]}


def grow(subtask, tries):
    return {"new": [enqueue(child) for child in subtask["children"]]}


def wait(subtask, tries):
    """Go on when the test lets it, by a file."""
    while not Path(subtask["file"]).exists():
        time.sleep(0.05)
    return {}


def wait_once(subtask, tries):
    """Never end, the first time."""
    return wait(subtask, tries) if tries == 1 else {}


def wait_and_grow(subtask, tries):
    wait(subtask, tries)
    return grow(subtask, tries)


def everything(outcomes):
    fields = ("key", "step", "payload", "parent", "depth", "status", "attempts", "result")
    return [
        {**{name: getattr(one, name) for name in fields}, "error": one.error and one.error.type} for one in outcomes
    ]
