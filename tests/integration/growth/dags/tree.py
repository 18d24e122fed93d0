"""A tree that grows at random, seeded: each node divides what is left of the tree among its children.

A test can tell the whole tree in advance from ``branches`` and ``mishap`` alone, without Airflow.
"""

import os
import random
import signal
import time
from pathlib import Path

import psutil
import record

from airflow_mcp_provider.runtime import enqueue

TWO_TRIES = ("before", "after", "half", "kill", "machine")
"""The first try fails before, after, in the middle of its enqueues; after them its runner is killed, or its supervisor, too.

There is a sixth mishap, "final": every try fails.
"""


def plan(params):
    yield {"node": "r", "size": params["size"]}


def visit(subtask, params):
    node = subtask["node"]
    record.note(params["record"], node=node)
    first = len(record.seen(params["record"], node=node)) == 1
    happens = mishap(node, params) if first or mishap(node, params) == "final" else None
    if happens == "before":
        raise OSError(f"{node} failed before it enqueued")
    children = branches(subtask, params["seed"])
    for number, child in enumerate(children):
        if happens == "half" and number == len(children) // 2:
            raise OSError(f"{node} failed half way")
        enqueue(child)
    if shared := params["shared"]:
        enqueue({"node": f"shared-{random.Random(node).randrange(shared)}", "size": 1})
    time.sleep(params["sleep"])
    while params.get("gate") and not Path(params["gate"]).exists():
        time.sleep(0.05)
    _end(happens, node)
    return len(children)


def _end(happens, node):
    if happens in ("after", "half"):
        raise OSError(f"{node} failed after it enqueued")
    if happens in ("kill", "machine"):
        task = psutil.Process(os.getppid())
        victims = [task] if happens == "kill" else [task.parent(), task]
        for victim in victims:
            victim.kill()
        signal.pause()
    if happens == "final":
        raise ValueError(f"{node} never works")


def branches(subtask, seed):
    """Divide the rest of the tree among 1 to 6 children."""
    dice = random.Random(f"{seed}:{subtask['node']}")
    rest = subtask["size"] - 1
    shares = [0] * min(rest, dice.randint(1, 6))
    for _ in range(rest):
        shares[dice.randrange(len(shares))] += 1
    return [{"node": f"{subtask['node']}.{i}", "size": size} for i, size in enumerate(shares) if size]


def mishap(node, params):
    """What happens to a node; most are well."""
    dice = random.Random(f"{params['seed']}:mishap:{node}")
    if node.startswith("shared") or dice.random() >= params["mishaps"]:
        return None
    return dice.choice(params["kinds"])


def summary(outcomes):
    return [
        [one.key, one.status, one.attempts, one.parent, one.depth, one.result, one.error and one.error.type]
        for one in outcomes
    ]
