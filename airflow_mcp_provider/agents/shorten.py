"""How texts and lists are made to fit into a result: sizes are those of JSON in UTF-8."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")
MARK = "…"


def dumped(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a value as JSON, as short as possible; characters without a form of their own are escaped."""
    return _visible(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str))


def seen(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether a value has no character that a person would not see."""
    return json.dumps(value, ensure_ascii=False, default=str).isprintable()


def _visible(text: str) -> str:
    """Escape what a person would not see, as changes of direction; a half of a surrogate pair becomes ``?``."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(one) for one in text.encode("utf-8", "replace").decode())


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]


def size(value: Any) -> int:  # noqa: ANN401 - any JSON
    """Return the number of bytes of a value as JSON."""
    return len(dumped(value).encode())


def cut(text: str, most: int) -> str:
    """Return a text of at most ``most`` bytes as JSON, without its quotes; a shortened one ends with ``…``."""
    room = most + 2
    if len(text) <= most and size(text) <= room:
        return text
    return text[: _longest(text[:most], room)] + MARK


def _longest(text: str, room: int) -> int:
    """Return the number of characters that fit into ``room`` together with the mark."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle] + MARK) <= room else (low, middle - 1)
    return low


def without_trace(text: str) -> str:
    """Return a text; of a traceback, which has lines of source code, the last line only."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if any(line.lstrip().startswith('File "') for line in lines) else text


def first(items: Iterable[T], room: int) -> list[T]:
    """Return the first items that fit into ``room`` bytes."""
    found = []
    for item in items:
        room -= size(item) + 1
        if room < 0:
            break
        found.append(item)
    return found


def last(items: Iterable[T], room: int) -> list[T]:
    """Return the last items that fit into ``room`` bytes."""
    return first(reversed([*items]), room)[::-1]
