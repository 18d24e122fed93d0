"""Rows of ours, checked when they are read: an older version, a person or SQL may have written them.

A damaged row harms the subtask that it belongs to, and is told as InvalidRow; readers of many rows go on with the next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_mcp_provider.errors import InvalidRow
from airflow_mcp_provider.plugin.db import clock
from airflow_mcp_provider.runtime import protocol, redaction

MOST_OOMS = 1_000
MOST_MESSAGE = 1_000
"""Of a subtask's progress, whose secrets may have grown to ``***``."""
MOST_BYTES = 1_000_000
"""Of an outcome: a result of protocol.MAX_RESULT_BYTES, a message and a traceback, escaped."""
BROKEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What reading a value of another form comes to."""


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


def item(text: str) -> dict[str, Any]:
    """Return a subtask's item; raises InvalidRow."""
    return item_of(parsed(text), text)


def item_of(found: object, shown: object = None) -> dict[str, Any]:
    """Return a subtask's item that was parsed; raises InvalidRow."""
    if not isinstance(found, dict) or not is_item(found):
        raise invalid(protocol.ITEM, "an object with key, payload, parent and depth", shown or found)
    return found


def is_item(found: object) -> bool:
    """Whether a value is a subtask's item."""
    if not isinstance(found, dict):
        return False
    texts = isinstance(found.get("key"), str) and isinstance(found.get("parent"), str | None)
    job = isinstance(found.get("job"), str | None)
    objects = isinstance(found.get("payload"), dict) and isinstance(found.get("results", {}), dict)
    return texts and job and objects and type(found.get("depth")) is int


def is_ooms(value: object) -> bool:
    """Whether a value is a list of attempts."""
    return isinstance(value, list) and len(value) <= MOST_OOMS and all(type(one) is int for one in value)


def wrong_progress(value: object) -> str | None:
    """Say what is wrong with the form of a subtask's progress, which people are shown."""
    told = value if isinstance(value, dict) else {}
    fraction, message = told.get("fraction"), told.get("message")
    share = type(fraction) in {int, float} and 0 <= fraction <= 1  # type: ignore[operator]  # a number
    if share and isinstance(message, str) and len(message) <= MOST_MESSAGE and len(told) == 2:  # noqa: PLR2004 - those
        return None
    allowed = f"an object with fraction, from 0 to 1, and message, a text of at most {MOST_MESSAGE} characters"
    return f"progress is {allowed}; given {redaction.shown(value)}"


def wrong_outcome(value: object) -> str | None:
    """Say what is wrong with the form of an outcome: other runners' questions and the report read it."""
    return f"an outcome has at most {MOST_BYTES} bytes" if len(json.dumps(value)) > MOST_BYTES else _wrong_form(value)


def _wrong_form(value: object) -> str | None:
    if not isinstance(value, dict) or type(value.get("attempt")) is not int:
        return f"an outcome is an object with the number of its attempt; given {redaction.shown(value)}"
    error = value.get("error", {"type": "", "message": ""})
    if not isinstance(error, dict) or not all(isinstance(error.get(name), str) for name in ("type", "message")):
        return f"the error of an outcome is an object with type and message, both texts; given {redaction.shown(error)}"
    return None


def outcome(text: str | None) -> dict[str, Any]:
    """Read an outcome; what a person or another program has put there says nothing."""
    said = parsed(text) if len(text or "") <= MOST_BYTES else None
    return said if isinstance(said, dict) and _wrong_form(said) is None else {}


def error_of(said: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the error of an outcome as the report reads it, whatever else a runner has put beside."""
    error = said.get("error")
    return {name: str(error.get(name, "")) for name in ("type", "message", "trace")} if error else None


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
        raise invalid(protocol.CALLER, "an object with run, task_id and map_index", found)


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
        raise invalid(protocol.CALLED, "an object with job, run, at and attempt", found)


def key_of(found: object, step: str, index: int) -> str:
    """Return the key of a subtask's item that was parsed; its place where the item is damaged and has none."""
    key = found.get("key") if isinstance(found, dict) else None
    return key if isinstance(key, str) else f"{step}[{index}]"


def told(message: str) -> dict[str, str]:
    """Return the error of a damaged row as an outcome has it."""
    return {"type": InvalidRow.__name__, "message": message, "trace": ""}


def pod(text: str | None) -> dict[str, Any] | None:
    """Return what is known of a pod; None where nothing is, or it is damaged."""
    found = parsed(text)
    told = isinstance(found, dict) and all(isinstance(found.get(name), str) for name in ("reason", "message"))
    return found if told else None
