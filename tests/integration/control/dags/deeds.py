"""What the jobs of these tests do: as the conf of their runs says, written down line by line."""

import time
import uuid
from pathlib import Path

import record

from airflow_mcp_provider.errors import SoftTimeout
from airflow_mcp_provider.runtime import enqueue


def plan(params):
    record.note(params["record"], task="plan", what="begin")
    if params["does"] == "fail_plan" and not healed(params):
        raise LookupError("plan")
    wait(params["plan_seconds"])
    return [{"name": f"s{number}"} for number in range(params["subtasks"])]


def search(subtask, params):
    record.note(params["record"], task=f"search {subtask['name']}", what="begin")
    return {"found": subtask["name"]}


def visit(subtask, params):
    name = subtask["name"]
    record.note(params["record"], task=name, what="begin")
    try:
        DOES[params["does"]](subtask, params)
    except SoftTimeout:
        record.note(params["record"], task=name, what="asked to end")
        wait(params["cleanup"])
        record.note(params["record"], task=name, what="cleaned up")
        raise
    record.note(params["record"], task=name, what="end")
    return name


def work(subtask, params):
    """Work for some seconds, or until a test makes a file: the one for all subtasks, or the one for this."""
    files = [Path(f"{params['record']}.go{name}") for name in ("", f"-{subtask['name']}")]
    wait(params["seconds"], lambda: any(file.exists() for file in files))


def fail(subtask, params):
    """Fail, until the file ``healed`` is there; the first subtask never fails."""
    if subtask["name"] != "s0" and not healed(params):
        raise LookupError(subtask["name"])


def healed(params):
    return Path(params["record"] + ".healed").exists()


def grow(_, params):
    """Enqueue all the time: now and then, until a test makes a file."""
    while True:
        if not Path(f"{params['record']}.go").exists():
            wait(0.2)
        name = f"c-{uuid.uuid4().hex}"
        enqueue({"name": name})
        record.note(params["record"], task=name, what="enqueued")


def wait(seconds, ended=lambda: False):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not ended():
        time.sleep(0.05)


DOES = {"work": work, "fail_plan": work, "fail": fail, "grow": grow}


def calls(params):
    return [{"name": f"called{number}", "record": params["record"], "seconds": 600} for number in range(2)]


def summary(outcomes):
    return {one.key: one.status for one in outcomes}
