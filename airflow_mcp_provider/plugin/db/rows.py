"""Rows of ours, checked when they are read: an older version, a person or SQL may have written them.

A damaged row raises InvalidRow and affects its own subtask alone; readers of many rows continue with the next one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.runtime import redaction, store_keys
from airflow_mcp_provider.runtime.messages import Count, Item, PodStatus, StoredOutcome
from airflow_mcp_provider.runtime.outcome import Error
from airflow_mcp_provider.runtime.size_limits import MAX_OUTCOME_BYTES

T = TypeVar("T")

BROKEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""The errors of reading a value of another form."""


def parsed(text: str | None) -> Any:  # noqa: ANN401 - any JSON
    """Return a row's value; None where there is none, or no JSON."""
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None


def invalid(key: str, expected: str, given: object) -> InvalidRow:
    """Say which row is damaged."""
    return InvalidRow(
        f"the row {key} of the state store is {expected}; it has {redaction.shown(given)}: it was changed by others"
    )


def item(text: str) -> Item:
    """Return a subtask's item; raises InvalidRow."""
    return item_of(parsed(text), text)


def item_of(found: object, shown: object = None) -> Item:
    """Return a subtask's item from the JSON value of its row; raises InvalidRow."""
    if (made := converted(found, Item)) is None:
        raise invalid(store_keys.ITEM, "an object with key, payload, parent and depth", shown or found)
    return made


def converted(value: object, kind: type[T]) -> T | None:
    """Return a JSON value as ``kind``, None where it has another form."""
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError):
        return None


def attempts(value: object) -> list[int]:
    """Return the numbers of attempts in the JSON value of a row; none where the row is damaged."""
    return converted(value, list[Count]) or []


def outcome(text: str | None) -> StoredOutcome | None:
    """Read an outcome; None where there is none, or another program has written something else."""
    return converted(parsed(text), StoredOutcome) if len(text or "") <= MAX_OUTCOME_BYTES else None


@dataclass(frozen=True, slots=True)
class Caller:
    """The subtask that a run was made for: the number of its run, and its place there."""

    run: int
    task_id: str
    map_index: int

    @classmethod
    def of(cls, found: object) -> Caller:
        """Read the row ``mcp.caller``; raises InvalidRow."""
        if isinstance(found, dict):
            run, task, index = (found.get(name) for name in ("run", "task_id", "map_index"))
            if type(run) is int and isinstance(task, str) and type(index) is int and abs(run) < 2**31 > abs(index):
                return cls(run, task, index)
        raise invalid(store_keys.CALLER, "an object with run, task_id and map_index", found)


@dataclass(frozen=True, slots=True)
class Called:
    """The run that a subtask has: of which job, since when, made or asked for by which attempt."""

    job: str
    run: str
    at: str
    attempt: int | None = None

    @classmethod
    def of(cls, found: object) -> Called:
        """Read the row ``mcp.called``; raises InvalidRow."""
        try:
            made = cls(**found)  # type: ignore[arg-type]  # checked below
            texts = isinstance(made.job, str) and isinstance(made.run, str)
            if texts and isinstance(made.attempt, int | None) and clock.parsed(made.at) is not None:
                return made
        except BROKEN:
            pass
        raise invalid(store_keys.CALLED, "an object with job, run, at and attempt", found)


def key_of(found: object, step: str, index: int) -> str:
    """Return the key in the JSON value of an item's row; the subtask's place where the row is damaged."""
    key = found.get("key") if isinstance(found, dict) else None
    return key if isinstance(key, str) else f"{step}[{index}]"


def damage(message: str) -> Error:
    """Return the error of a damaged row as an outcome has it."""
    return Error(InvalidRow.__name__, message)


def pod(text: str | None) -> PodStatus | None:
    """Return the status of a pod; None where there is none, or the row is damaged."""
    return converted(parsed(text), PodStatus)
