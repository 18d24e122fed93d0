"""A subtask does what its payload says: ``{"node": …, "does": the name of a function here, …}``."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import record

from airflow_mcp_provider.runtime import SoftTimeout, enqueue, enqueue_many, progress


class Gone(LookupError):
    """An exception of a job's own."""


def plan(params):
    return params["subtasks"]


def no_plan(params):
    raise LookupError(f"nothing to plan in {params['record']}")


def wrong_plan():
    return {"node": "a"}


def do(subtask, params):
    record.note(params["record"], node=subtask["node"], begins=True)
    return globals()[subtask["does"]](subtask, params)


async def do_async(subtask):
    await asyncio.sleep(0.01)
    return {"awaited": subtask["node"]}


def one_too_many(subtask, params, more):
    return [subtask, params, more]


def everything(outcomes):
    """Every outcome whole, for tests that look at one of them."""
    return [
        {
            **{
                name: getattr(one, name)
                for name in ("key", "payload", "parent", "depth", "status", "attempts", "result")
            },
            "started": one.started and one.started.isoformat(),
            "ended": one.ended and one.ended.isoformat(),
            "error": one.error and {"type": one.error.type, "message": one.error.message, "trace": one.error.trace},
        }
        for one in outcomes
    ]


def tries(subtask, params):
    return len(record.seen(params["record"], node=subtask["node"], begins=True))


def give(subtask, params):
    return subtask.get("result")


def grow(subtask, params):
    """Enqueue ``children`` one by one; returns which were new."""
    return [enqueue(child) for child in subtask["children"]]


def grow_once(subtask, params):
    """Enqueue, and fail at the first try."""
    new = [enqueue(child) for child in subtask["children"]]
    if tries(subtask, params) == 1:
        raise OSError("the first try fails")
    return new


def grow_many(subtask, params):
    """Enqueue ``count`` subtasks at once."""
    name = subtask["node"]
    return enqueue_many({"node": f"{name}.{i}", "does": "give"} for i in range(subtask["count"]))


def grow_named(subtask, params):
    """Enqueue with keys of the caller's."""
    return [enqueue({"node": str(i), "does": "give"}, key=key) for i, key in enumerate(subtask["keys"])]


def fail(subtask, params):
    raise Gone(subtask.get("message", "it is gone"))


def fail_first(subtask, params):
    """Fail ``times`` times, then work."""
    if tries(subtask, params) <= subtask["times"]:
        raise OSError(f"try {tries(subtask, params)}")
    return tries(subtask, params)


def wait_for(subtask, params):
    """Wait until the test lets go, by a file."""
    while not Path(subtask["file"]).exists():
        time.sleep(0.05)
    return "let go"


def kill_itself(subtask, params):
    os.kill(os.getpid(), signal.SIGKILL)


def segfault(subtask, params):
    ctypes.string_at(0)


def leave(subtask, params):
    os._exit(3)


def leave_quietly(subtask, params):
    os._exit(0)


def close_streams(subtask, params):
    sys.stdout.close()
    sys.stderr.close()
    if os.fork() == 0:
        return "of a forked process"
    return os.waitstatus_to_exitcode(os.wait()[1])


def exit_politely(subtask, params):
    sys.exit("enough")


def too_large(subtask, params):
    return "x" * 70_000


def exactly_large(subtask, params):
    return "\u00e9" * ((65_535 - 2) // 2)


def no_json(subtask, params):
    return {1, 2}


def bad_text(subtask, params):
    raise ValueError("nul \0, a lone surrogate \ud800, \u00fc\U0001f300")


def overtime_softly(subtask, params):
    """Clean up and end in good order when the time is up."""
    try:
        time.sleep(600)
    except SoftTimeout:
        record.note(params["record"], node=subtask["node"], cleaned=True)
        return "cleaned up"


def overtime_rudely(subtask, params):
    time.sleep(600)


def overtime_in_c(subtask, params):
    """A loop in C that holds the GIL: no Python of ours runs in here."""
    record.note(params["record"], node=subtask["node"], alive=os.getpid())
    ctypes.PyDLL(None).sleep(300)


def overtime_deaf(subtask, params):
    """No signal gets through, and an interrupted sleep is slept again."""
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})
    record.note(params["record"], node=subtask["node"], alive=os.getpid())
    while True:
        time.sleep(300)


def overtime_with_family(subtask, params):
    """A child, and a daemon in a session of its own whose parent has ended."""
    child = subprocess.Popen(["sleep", "300"])
    script = "sleep 300 > /dev/null 2>&1 & echo $!"
    told = subprocess.run(["sh", "-c", script], start_new_session=True, capture_output=True, check=True)
    for pid in (os.getpid(), child.pid, int(told.stdout)):
        record.note(params["record"], node=subtask["node"], alive=pid)
    time.sleep(300)


def tell_progress(subtask, params):
    progress(0.25, "a quarter of \udcff")
    record.note(params["record"], node=subtask["node"], told=True)
    return wait_for(subtask, params)


def plan_less_then_more(params):
    """Plan 6 subtasks, then 2, then 3 that enqueue two each."""
    record.note(params["record"], planned=True)
    time_of_it = len(record.seen(params["record"], planned=True))
    count = {1: 6, 2: 2}.get(time_of_it, 3)
    for i in range(count):
        name = f"{time_of_it}-{i}"
        children = [{"node": f"{name}.{j}", "does": "give"} for j in range(2)] if time_of_it > 2 else []
        yield {"node": name, "does": "grow", "children": children}


def ask_airflow(subtask, params):
    """Ask for a variable and a connection again and again, while threads enqueue."""
    from airflow.sdk import Connection, Variable

    with ThreadPoolExecutor(8) as pool:
        new = [pool.submit(enqueue, {"node": f"thread-{i}", "does": "give"}) for i in range(8)]
        variables = {Variable.get("colour") for _ in range(20)}
        hosts = {Connection.get("store").host for _ in range(20)}
    return {"variables": list(variables), "hosts": list(hosts), "new": sum(one.result() for one in new)}


def touch(subtask, params):
    Path(subtask["file"]).touch()


def grow_and_wait(subtask, params):
    """Go on only when somebody has touched ``file``."""
    grow(subtask, params)
    return wait_for(subtask, params)


def grow_when_told(subtask, params):
    """Enqueue when ``go`` is there, tell that it is done, end when ``end`` is there."""
    wait_for({"file": subtask["go"]}, params)
    grow(subtask, params)
    record.note(params["record"], node=subtask["node"], enqueued=True)
    wait_for({"file": subtask["end"]}, params)


def descend(subtask, params):
    """A chain, ``left`` further links of it."""
    if left := subtask["left"]:
        enqueue({**subtask, "node": str(int(subtask["node"]) + 1), "left": left - 1})


def grow_hostile(subtask, params):
    """Enqueue what ``which`` names; each is refused."""
    deep = {"node": "deep"}
    for _ in range(100_000):
        deep = {"node": deep}
    payload = {"node": "odd", "does": "give"}
    odd = {
        "a list": (["node"], None),
        "too large": ({**payload, "x": "x" * 40_000}, None),
        "a set": ({**payload, "x": {1}}, None),
        "nan": ({**payload, "x": float("nan")}, None),
        "too deep": (deep, None),
        "a lone surrogate": ({**payload, "x": "\ud800"}, None),
        "no key": ({"does": "give"}, None),
        "an empty key": (payload, ""),
        "a long key": (payload, "k" * 2001),
        "a surrogate in the key": (payload, "\udfff"),
        "nul in the key": (payload, "a\0b"),
        "nul in a value": ({**payload, "x": "a\0b"}, None),
    }
    value, key = odd[subtask["which"]]
    return enqueue(value, key=key)


def kill_runner(subtask, params):
    """The runner dies, and its supervisor sees it."""
    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()


def known_secrets():
    """Fetch them as any function does."""
    from airflow.sdk import Connection, Variable

    vault = Connection.get("vault")
    extra = vault.extra_dejson["api_key"]
    environment = [os.environ["CRAWLER_TOKEN"], Connection.get("archive").password]
    return [vault.password, extra, Variable.get("vault_passphrase"), *environment]


def leak(subtask, params):
    """Tell each secret by every way out of the work; ``how`` it ends."""
    secrets = known_secrets()
    print("printed:", secrets)  # noqa: T201 - a way out
    progress(0.5, " ".join(secrets))
    for secret in secrets:
        enqueue({"node": secret[-4:], "does": "give"}, key=f"{subtask['how']} {secret}")
    if subtask["how"] == "raise":
        raise ValueError("![p](http://evil.example/x.png)", secrets)
    return {"found": secrets, **dict.fromkeys(secrets)}
