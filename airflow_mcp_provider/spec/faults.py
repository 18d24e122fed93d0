"""The error that a validator of a spec raises: what is wrong, the value that was given, what is expected.

Runs inside pydantic's validation, wherever a spec is read. pydantic's own messages do not contain the expected
values of a field. The module ``problems`` gives these errors and those of pydantic the same form:
``{wrong} {given}; expected {expected}``.
"""

import json
import re

from pydantic_core import PydanticCustomError

from airflow_mcp_provider.errors import Problem

FAULT = "fault"
FIELD_VALUE = object()  # placeholder for the value of the validated field
MOST_REPORTED = 50  # problems of one spec; the author fixes the first ones first
Path = tuple[str | int, ...]

_SHOWN = 60
_HIDDEN = r"passw|secret|token|credential|api_?key|private_?key"


def fault(
    wrong: str, *, expected: str = "", given: str | None = None, at: Path = (), value: object = FIELD_VALUE
) -> PydanticCustomError:
    """Return the error to raise.

    :param wrong: a noun phrase that the value follows, for example ``invalid duration``
    :param expected: what the field accepts
    :param given: the text to show as the value; the empty string for no value, None for ``value``
    :param at: the path from the validated field to the wrong value inside it
    :param value: the wrong value; by default that of the validated field
    """
    details = {"wrong": wrong, "expected": expected, "given": given, "at": at, "value": value}
    return PydanticCustomError(FAULT, "{wrong}", details)


def sentence(wrong: str, given: str = "", expected: str = "") -> str:
    """Return the message ``{wrong} {given}; expected {expected}``, without the parts that are empty.

    >>> sentence("invalid duration", '"10 min"', "for example 90s, 5m, 1h30m")
    'invalid duration "10 min"; expected for example 90s, 5m, 1h30m'
    """
    return Problem(wrong, given=given, expected=expected).sentence


def printable(value: object) -> str:
    """Return a value (a file name, data) as one line of text, with unprintable characters escaped."""
    text = str(value)
    return text if text.isprintable() else "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def dotted(path: Path) -> str:
    """Return a path in dotted form for a message; long keys are cut, unprintable ones escaped."""
    return ".".join(shortened(str(key) if str(key).isprintable() else json.dumps(str(key))) for key in path)


def shortened(text: str) -> str:
    """Return ``text``, cut to the length that fits into a message."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def shown(value: object, path: str = "") -> str:
    """Return a short text for a wrong value, as YAML writes it.

    Returns ``(hidden)`` when ``path``, the dotted path of the value, looks like that of a secret.
    """
    if re.search(_HIDDEN, path.lower()):
        return "(hidden)"
    if isinstance(value, dict):
        return "(a mapping)"
    if isinstance(value, list | tuple):
        return "(a list)" if value else "(an empty list)"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return shortened(_text(value))


def _text(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value[: _SHOWN * 2], ensure_ascii=not value.isprintable())
    if isinstance(value, int) and value.bit_length() > 256:  # noqa: PLR2004 - Python refuses to print long ints
        return "(a huge number)"
    return str(value) if isinstance(value, int | float) else repr(value)
