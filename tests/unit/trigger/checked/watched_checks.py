"""The checks of the tests: what people write, and what they should not."""

import ctypes
import os
import re
import sys
import threading
import time
from pathlib import Path


def nothing():
    return None


def conf():
    print("looked")  # noqa: T201 - what a check prints is not its result
    return {"folder": "in"}


def true():
    return True


async def awaited():
    return {"awaited": True}


def raises():
    raise ValueError("no such queue")


def exits():
    sys.exit(3)


def vanishes():
    os._exit(0)


def crashes():
    ctypes.string_at(0)


def hangs():
    time.sleep(600)


def blocks():
    """Holds the GIL, so that no other thread of its process runs."""
    re.match(r"(a+)+$", "a" * 60 + "b")


def prints_for_ever():
    while True:
        print("x" * 1000)  # noqa: T201 - likewise


def huge():
    return "x" * 10_000_000_000


def large():
    return {"x": "y" * 200_000}


def listed():
    return [1]


def not_json():
    return {"x": object()}


def starts_a_thread():
    threading.Thread(target=time.sleep, args=(600,)).start()
    return True


def starts_a_daemon():
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    return {"child": True}


def environment():
    return {"names": sorted(name for name in os.environ if name.startswith("AIRFLOW"))}


def reads():
    return {"stdin": sys.stdin.read(), "folder": str(Path.cwd())}
