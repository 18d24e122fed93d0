"""Odd values, each made from the name of its case: the same on every machine, in every process."""

import enum
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from types import MappingProxyType
from typing import Any

from tests.sizes import FULL

COUNT = 10_000 if FULL else 100


def cases(kind: str, count: int = COUNT) -> Iterator[tuple[str, Random]]:
    """Give the name of each case of a kind, and its source of chance."""
    for number in range(count):
        name = f"{kind} {number}"
        yield name, Random(name)


SYNTAX = (
    *("{a}", "{{", "}}", "{", "}", "$(HOME)", "$$", "$HOME", "${HOME}", "`id`", "'", '"', "\\", "\\u0000", "\\ud800"),
    *("-x", "--", "-", "-1", "--version", "=", "#", ";", "&&", "|", "*", "~", "/", "../", "%s", "%(a)s", "a", "B", "0"),
    *("\n", "\r", "\r\n", "\t", "\x1b[0m", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "é", "ß", "\U0001f300", " "),
    *(
        "null",
        "true",
        "NaN",
        "1e400",
        "[",
        "]",
        ",",
        ":",
        "- ",
        "!!int ",
        "<<: ",
        "&a ",
        "*a",
        "|",
        ">",
        "? ",
        "@",
        "%",
    ),
    *("![p](http://127.0.0.1:9/x.png)", "<b>", "mcp.item", "{{ 1 + 1 }}", "5%", "9m", "None", "x" * 100),
)
UNSTORABLE = ("\0", "\ud800", "\udcff")
NUMBERS: tuple[int | float, ...] = (
    *(0, 1, -1, 2, 10, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 2**70, 10**400),
    *(0.0, -0.0, 1.0, 1.5, 1e16, 1e308, 5e-324, math.nan, math.inf, -math.inf),
)


def text(random: Random, *, most: int = 4) -> str:
    """Text made of what is syntax somewhere; seldom what no database holds."""
    pieces = random.choices(SYNTAX, k=random.randrange(most + 1))
    if random.random() < 0.03:
        pieces.append(random.choice(UNSTORABLE))
    return "".join(pieces)


def scalar(random: Random) -> Any:
    """A JSON scalar, or nearly: also numbers that not every reader takes, and texts that look like other scalars."""
    kind = random.random()
    if kind < 0.4:
        return text(random)
    if kind < 0.7:
        return random.choice(NUMBERS)
    likeness = random.choice((None, True, False, 0, 1, -1, 1.0))
    return str(likeness) if random.random() < 0.4 else likeness


def value(random: Random, deep: int = 3) -> Any:
    """Anything that reads like JSON."""
    kind = random.random()
    if not deep or kind < 0.6:
        return scalar(random)
    if kind < 0.8:
        return [value(random, deep - 1) for _ in range(random.randrange(4))]
    return mapping(random, deep - 1)


def mapping(random: Random, deep: int = 3) -> dict[str, Any]:
    """An object with odd names."""
    return {text(random, most=2): value(random, deep) for _ in range(random.randrange(4))}


class _Colour(enum.Enum):
    RED = "red"


class _Size(enum.IntEnum):
    SMALL = 1


class _Shade(enum.StrEnum):
    DARK = "dark"


class _Text(str):
    __slots__ = ()


def nested(levels: int) -> list[Any]:
    """Lists in lists."""
    inner: list[Any] = []
    for _ in range(levels):
        inner = [inner]
    return inner


def _circle() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


ODD: tuple[Callable[[], Any], ...] = (
    lambda: b"bytes",
    lambda: bytearray(b"x"),
    lambda: {1, 2},
    frozenset,
    lambda: (1, 2),
    lambda: (),
    object,
    lambda: Random,
    lambda: len,
    lambda: 1j,
    lambda: Decimal("1.5"),
    lambda: datetime(2026, 1, 1, tzinfo=UTC),
    lambda: _Colour.RED,
    lambda: _Size.SMALL,
    lambda: _Shade.DARK,
    lambda: _Text("text"),
    lambda: range(3),
    lambda: iter(()),
    lambda: MappingProxyType({"a": 1}),
    lambda: {1: 2},
    lambda: {1: 2, "1": 3},
    lambda: {None: 1, "a": 2},
    lambda: {True: 1, "true": 2},
    lambda: {1.5: 1},
    lambda: {(1, 2): 1},
    lambda: {b"a": 1},
    lambda: nested(30),
    lambda: nested(600),
    lambda: nested(5_000),
    _circle,
    lambda: "x" * 40_000,
    lambda: "\u00e9" * 20_000,
    lambda: ["x" * 100] * 400,
    lambda: Exception("x"),
)


def anything(random: Random, deep: int = 3) -> Any:
    """Any value of Python that code may hand on by mistake, alone or within JSON."""
    if random.random() < 0.3:
        return random.choice(ODD)()
    if not deep or random.random() < 0.5:
        return scalar(random)
    if random.random() < 0.4:
        return [anything(random, deep - 1) for _ in range(random.randrange(3))]
    return {text(random, most=2): anything(random, deep - 1) for _ in range(random.randrange(1, 4))}


def changed(values: Any, random: Random, other: Callable[[Any], Any]) -> Any:
    """Return ``values`` with one thing in it changed: lost, renamed, or what ``other`` makes of it."""
    if not isinstance(values, dict | list) or not values or random.random() < 0.2:
        return other(values)
    name = random.choice(list(values) if isinstance(values, dict) else range(len(values)))
    copied = values.copy()
    if random.random() < 0.1:
        del copied[name]
    elif random.random() < 0.1 and isinstance(copied, dict):
        copied[text(random)] = copied.pop(name)
    else:
        copied[name] = changed(copied[name], random, other)
    return copied
