"""A fault is what a validator raises: what is wrong, what was given, what is allowed.

Runs inside pydantic's validation, anywhere a spec is read. It exists because pydantic's own messages know
nothing of what else would be allowed; ``problems`` turns faults and pydantic's errors alike into one form.
"""

import json
import re

from pydantic_core import PydanticCustomError

FAULT = "fault"
FIELD_VALUE = object()  # stands for what the validated field was given
MOST_TOLD = 50  # problems of one spec: who has more wants to see the first ones
Path = tuple[str | int, ...]

_SHOWN = 60
_HIDDEN = r"passw|secret|token|credential|api_?key|private_?key"


def fault(
    wrong: str, *, allowed: str = "", given: str | None = None, at: Path = (), value: object = FIELD_VALUE
) -> PydanticCustomError:
    """Return the error to raise; ``at`` leads from the validated field to the faulty place inside it.

    Shown as given: the text ``given`` (nothing, if it is empty), or else ``value``.
    """
    told = {"wrong": wrong, "allowed": allowed, "given": given, "at": at, "value": value}
    return PydanticCustomError(FAULT, "{wrong}", told)


def sentence(wrong: str, given: str = "", allowed: str = "") -> str:
    """Join the three parts of a message."""
    parts = (wrong, given and f"given {given}", allowed and f"allowed {allowed}")
    return "; ".join(part for part in parts if part)


def printable(told: object) -> str:
    """Return a text (a file's name, data) as one line that any output takes: what nobody would see is escaped."""
    text = str(told)
    return text if text.isprintable() else "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def dotted(path: Path) -> str:
    """Return a path as it stands in messages; what is too long or unprintable in it is cut or escaped."""
    return ".".join(shortened(str(key) if str(key).isprintable() else json.dumps(str(key))) for key in path)


def shortened(text: str) -> str:
    """Return as much of ``text`` as a message bears."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def shown(value: object, path: str = "") -> str:
    """Return a short text of a wrong value, in the words of YAML; nothing of what looks secret."""
    if re.search(_HIDDEN, path.lower()):
        return "(hidden)"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    return shortened(_text(value))


def _text(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value[: _SHOWN * 2], ensure_ascii=not value.isprintable())
    if isinstance(value, int) and value.bit_length() > 256:  # noqa: PLR2004 - Python refuses to print long ints
        return "a huge number"
    return str(value) if isinstance(value, int | float) else repr(value)
