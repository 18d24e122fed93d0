"""The documented rule of what a plan prints, told once more: a list in the last line, or a payload in each line."""

import json
from enum import Enum
from typing import Any

from airflow_mcp_provider.runtime.stdout import MOST_CHARS, PLAN_CHARS
from tests.fuzz import printed
from tests.fuzz.same import same


class Odd(Enum):
    """What a line may be that has no value."""

    TEXT = "no JSON"
    UNREADABLE = "JSON, but nobody can read it"


def fits(data: bytes, got: Any) -> bool:
    """Whether ``got``, a list or an exception, is what the lines say."""
    return any(_explains(lines, got) for lines in printed.readings(data))


def _explains(lines: list[bytes], got: Any) -> bool:
    refused = isinstance(got, Exception)
    values = [_value(line) for line in lines]
    if any(len(line) > MOST_CHARS for line in lines[-1:]):
        return refused
    lists = [
        isinstance(value, list) or _is_unreadable_list(value, line) for value, line in zip(values, lines, strict=True)
    ]
    if values and lists[-1] and lists.count(True) == 1:
        return _is(values[-1], got)
    size = sum(len(line.decode(errors="replace")) for line in lines)
    if all(map(_is_payload, values)) and size <= PLAN_CHARS:
        return _is(values, got)
    return got == [] if values == [None] else refused


def _value(line: bytes) -> Any:
    text = line.decode(errors="replace")
    try:
        json.loads(text, parse_constant=printed.no_constant, parse_int=str)
    except RecursionError:
        return Odd.UNREADABLE
    except ValueError:
        return Odd.TEXT
    try:
        return json.loads(line.decode())
    except ValueError:  # thousands of digits, or no UTF-8
        return Odd.UNREADABLE


def _is_unreadable_list(value: Any, line: bytes) -> bool:
    return value is Odd.UNREADABLE and line.lstrip().startswith(b"[")


def _is_payload(value: Any) -> bool:
    return isinstance(value, dict | str)


def _is(value: Any, got: Any) -> bool:
    if value is Odd.UNREADABLE or not printed.carriable(value, 2 * PLAN_CHARS):
        return isinstance(got, Exception)
    return isinstance(got, list) and same(value, got)
