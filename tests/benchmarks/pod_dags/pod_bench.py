"""The work of the jobs in pods: none, so that what is timed is the machinery."""

from collections.abc import Iterator
from typing import Any

from airflow_mcp_provider.runtime import Outcome, enqueue


def plan(params: dict[str, Any]) -> list[int]:
    return list(range(params["number"]))


def nothing(subtask: dict[str, Any]) -> int:
    return len(subtask)


def step(subtask: dict[str, Any]) -> None:
    if subtask["left"]:
        enqueue({"left": subtask["left"] - 1})


def count(outcomes: Iterator[Outcome]) -> int:
    return sum(outcome.result for outcome in outcomes)
