"""What the subtasks of these tests do."""

import itertools
import os
import time
from contextlib import suppress
from pathlib import Path

from airflow_mcp_provider.errors import EnqueueRefused, SoftTimeout
from airflow_mcp_provider.runtime import enqueue


def plan(params):
    return [{"item": number} for number in range(params["number"])]


def where(subtask, params):
    """End when ``until`` is there: at once when it is no name."""
    wait_for(params["until"])
    return {"item": subtask["item"], "host": os.uname().nodename, "uid": os.getuid()}


def wait_for(file):
    while file and not Path(file).exists():
        time.sleep(0.05)


def tidy(subtask, params):
    """Enqueue a subtask twice a second."""
    item = str(subtask["item"])
    try:
        note(params["record"], item, "begin")
        for number in itertools.count():
            if Path(params["until"]).exists():
                return
            with suppress(EnqueueRefused):  # the run was cancelled, and SoftTimeout comes
                enqueue({"item": f"{item}.{number}"})
            time.sleep(0.5)
    except SoftTimeout:
        time.sleep(params["cleanup"])
        note(params["record"], item, "cleaned up")
        raise


def note(path, *words):
    """Append one line; appends of one small write do not mix."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, (" ".join([*words, str(time.time())]) + "\n").encode())
    os.close(file)


def eat(subtask, params):
    """Hold 450 MB, which is more than the first pod has, from when ``until`` is there; until ``until``.fed is."""
    wait_for(params["until"])
    held = [bytearray(os.urandom(1 << 20)) for _ in range(450)]
    wait_for(f"{params['until']}.fed")
    return len(held)


def look(subtask, params):
    """Tell what a pod was given, when ``until`` is there."""
    wait_for(params["until"])
    token = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
    Path("/scratch/written").write_text("x")
    return {
        "plain": os.environ["PLAIN"],
        "password": len(os.environ["PASSWORD"]),
        "files": sorted(path.name for path in Path("/etc/keys").iterdir() if not path.name.startswith(".")),
        "settings": Path("/etc/settings/color").read_text(),
        "token": token.exists(),
        "uid": os.getuid(),
        "root": os.access("/", os.W_OK),
    }


def first(outcomes):
    return next(outcomes).result


def given(params):
    return params["subtasks"]
