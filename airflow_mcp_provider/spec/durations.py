"""Durations as text: ``90s``, ``5m``, ``1h30m``, ``2d``, ``500ms``, or a number of seconds.

Runs wherever a spec is read or written. All fields use the same parser. It accepts whole milliseconds only, so that
``human`` writes exactly what ``parse_duration`` has read.
"""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from airflow_mcp_provider.spec.faults import fault

PATTERN = r"^(?=\d)(\d{1,9}d)?(\d{1,9}h)?(\d{1,9}m)?(\d{1,9}s)?(\d{1,9}ms)?$"
LONGEST = timedelta(days=1000)

EXPECTED = "for example 90s, 5m, 1h30m, 2d, 500ms, or a number of seconds"
_MILLISECOND = timedelta(milliseconds=1)
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": _MILLISECOND,
}


def parse_duration(value: object) -> timedelta:
    """Return ``value`` (a text such as ``1h30m``, a number of seconds, a timedelta) as a timedelta.

    Raises the error of ``faults.fault`` for any other value, and for one that is negative or above 1000 days.
    """
    duration = _read(value)
    if duration is None:
        raise fault("invalid duration", expected=EXPECTED)
    if not timedelta() <= duration <= LONGEST:
        raise fault("duration out of range:", expected=f"0s to {human(LONGEST)}")
    if duration % _MILLISECOND:
        raise fault("invalid fraction of a millisecond in", expected="a whole number of milliseconds")
    return duration


def human(duration: timedelta) -> str:
    """Return the shortest text for ``duration``, for example ``1h30m``: the inverse of ``parse_duration``."""
    text, rest = "", duration
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _read(value: object) -> timedelta | None:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return _read_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _read_seconds(value)
    return None


def _read_text(text: str) -> timedelta | None:
    found = re.fullmatch(PATTERN, text, re.ASCII)
    if found is None:
        return None
    counts = zip(_UNITS.values(), found.groups(), strict=True)
    try:
        return sum((size * int(count.rstrip("dhms")) for size, count in counts if count), timedelta())
    except OverflowError:
        return timedelta.max


def _read_seconds(seconds: float) -> timedelta | None:
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        return timedelta.max
    except ValueError:  # not a number
        return None


def _longer_than_zero(duration: timedelta) -> timedelta:
    if not duration:
        raise fault("invalid time limit", expected=f"more than 0s, {EXPECTED}")
    return duration


def parse_time_limit(value: object) -> timedelta:
    """Return ``value`` as ``parse_duration`` does; raises for 0, too."""
    return _longer_than_zero(parse_duration(value))


_SERIALIZER = PlainSerializer(human, return_type=str, when_used="json")
_SCHEMA = WithJsonSchema(
    {
        "anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "number", "minimum": 0}],
        "examples": ["90s", "1h30m"],
    }
)

Duration = Annotated[timedelta, PlainValidator(parse_duration), _SERIALIZER, _SCHEMA]
TimeLimit = Annotated[timedelta, PlainValidator(parse_time_limit), _SERIALIZER, _SCHEMA]
