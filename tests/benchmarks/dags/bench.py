"""The work of the benchmark jobs: as little as possible, so that what is timed is the machinery."""

import time
from collections.abc import Iterator
from typing import Any

from airflow_mcp_provider.runtime import Outcome, enqueue

TREE = {"r": 1, "r.0": 1, "r.0.0": 1, "r.0.0.0": 1, "r.0.0.0.0": 1, "r.0.0.0.0.0": 1, "r.0.0.0.0.0.0": 2}
"""The long branch of the unbalanced tree: seconds of sleep by node, 8 s in seven generations."""
LEAVES = 3
"""Each node of the long branch but the last has so many short leaves beside it."""


def nothing(subtask: dict[str, Any]) -> int:
    return len(subtask)


def step(subtask: dict[str, Any]) -> float:
    """One link of the chain; returns how long its enqueue took, in seconds."""
    began = time.perf_counter()
    if subtask["left"]:
        enqueue({"left": subtask["left"] - 1})
    return time.perf_counter() - began


def node(subtask: dict[str, Any]) -> float:
    """Work, then enqueue what was found: no generation waits for the leaves of the one before."""
    name = subtask["node"]
    time.sleep(TREE.get(name, 0))
    began = time.perf_counter()
    if f"{name}.0" in TREE:
        enqueue({"node": f"{name}.0"})
    took = time.perf_counter() - began
    if f"{name}.0" in TREE:
        for leaf in range(1, LEAVES + 1):
            enqueue({"node": f"{name}.leaf{leaf}"})
    return took


def enqueues(subtask: dict[str, Any]) -> list[float]:
    """Enqueue fifty subtasks one by one; returns how long each call took."""
    took = []
    for n in range(subtask.get("count", 0)):
        began = time.perf_counter()
        enqueue({"n": n})
        took.append(time.perf_counter() - began)
    return took


def times(outcomes: Iterator[Outcome]) -> list[float]:
    return [one for outcome in outcomes for one in _listed(outcome.result)]


def _listed(result: Any) -> list[float]:
    return result if isinstance(result, list) else [result]


def count(params: dict[str, Any]) -> Iterator[int]:
    yield from range(params["count"])
