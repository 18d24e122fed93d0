"""Values of the command line: conf, durations and times."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_mcp_provider.errors import InvalidRequest


def conf(arguments: Iterable[str]) -> dict[str, Any]:
    """Return the conf of ``-c`` arguments, of which the later ones win; raises InvalidRequest."""
    found: dict[str, Any] = {}
    for argument in arguments:
        found.update(_file(argument[1:]) if argument.startswith("@") else _pair(argument))
    return found


def _pair(argument: str) -> dict[str, Any]:
    name, equals, text = argument.partition("=")
    if not name or not equals:
        raise _invalid("-c", f"invalid conf {argument!r}; expected name=value, or @file.json")
    return {name: _value(text)}


def _value(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a JSON value, or the text; ``NaN`` and ``1e400`` are no JSON values, though Python reads them."""
    try:
        found = json.loads(text)
        json.dumps(found, allow_nan=False)
    except (ValueError, RecursionError):
        return text
    return found


def _file(name: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(name).read_text())
    except (OSError, ValueError) as error:
        raise _invalid("-c", f"cannot read {name!r}: {error}") from error
    if not isinstance(found, dict):
        raise _invalid("-c", f"invalid content of {name!r}; expected a JSON object")
    return found


def seconds(text: str | None, flag: str) -> float | None:
    """Return a duration in seconds; raises InvalidRequest."""
    if text is None:
        return None
    from airflow_mcp_provider.spec.durations import parse_duration  # noqa: PLC0415 - 0.1 s, only where it is used

    try:
        return parse_duration(float(text) if text.replace(".", "", 1).isdecimal() else text).total_seconds()
    except ValueError as error:
        raise _invalid(flag, f"{flag}: invalid duration {text!r}; expected for example 90s, 5m, 1h30m") from error


def moment(text: str | None, flag: str) -> datetime | None:
    """Return a time: ISO 8601, in local time without a zone; or a duration from now. Raises InvalidRequest."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return _from_now(text, flag)
    return found.astimezone(UTC)


def _from_now(text: str, flag: str) -> datetime:
    try:
        after = seconds(text, flag)
    except InvalidRequest as error:
        expected = "expected for example 2026-01-31T09:00+01:00, or 10m"
        raise _invalid(flag, f"{flag}: invalid time {text!r}; {expected}") from error
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() + (after or 0), UTC)


def _invalid(flag: str, text: str) -> InvalidRequest:
    return InvalidRequest(text, url=flag, next_step="change the argument")
