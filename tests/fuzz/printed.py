"""The documented rule of printed results, told once more: what may come of the bytes that a command has printed."""

import itertools
import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any, NoReturn

import msgspec

from airflow_mcp_provider.runtime.size_limits import MAX_REPORT_BYTES, MAX_RESULT_BYTES
from tests.fuzz import made
from tests.fuzz.same import same

LIMITS = (MAX_RESULT_BYTES, MAX_REPORT_BYTES)
_EDGES = (4_096, 65_535, 65_536, 65_537, 131_072, 200_000, MAX_REPORT_BYTES - 20, MAX_REPORT_BYTES + 20)
_BOM = b"\xef\xbb\xbf"


def output(random: Random) -> bytes:
    """What a program prints: log lines, then perhaps a result."""
    lines = [_line(random) for _ in range(random.randrange(4))]
    end = random.choice((b"\n", b"", b"\r\n", b"\n\n \n"))
    return random.choice((b"\n", b"\n", b"\r\n", b"\r")).join(lines) + end


def lines(random: Random) -> bytes:
    """What a plan prints: often payloads, a line each, or a list; else as any program."""
    if random.random() < 0.3:
        return output(random)
    found = [_payload(random) for _ in range(random.randrange(5))]
    if random.random() < 0.4:
        found.append(json.dumps([made.value(random) for _ in range(random.randrange(4))]).encode())
    if random.random() < 0.2:
        found.insert(random.randrange(len(found) + 1), _line(random))
    return random.choice((b"\n", b"\r\n", b"\n \n")).join(found) + random.choice((b"\n", b"", b"\n\n"))


def _payload(random: Random) -> bytes:
    value = random.choice((made.mapping, made.scalar))(random)
    return json.dumps(value, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")


def _line(random: Random) -> bytes:
    kind = random.random()
    if kind < 0.5:
        return _json(random)
    if kind < 0.6:
        size = random.choice(_EDGES) + random.randrange(-3, 4)
        return random.choice((b"x" * size, b"x" * size + b"42", b'"' + b"x" * size + b'"', b" " * size + b"42"))
    if kind < 0.65:
        return b"[" * 100_000 + b"]" * 100_000
    if kind < 0.7:
        return b"9" * random.choice((19, 20, 25, 5_000))
    if kind < 0.8:
        return _json(random)[: random.randrange(20)] + random.randbytes(random.randrange(3))
    return made.text(random).encode("utf-8", "surrogatepass")


def _json(random: Random) -> bytes:
    value = made.value(random)
    spaced = random.choice((None, (",", ":"), (" ,\t", " : ")))
    return json.dumps(value, separators=spaced, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")


def fits(data: bytes, limit: int, got: Any) -> bool:
    """Whether ``got``, a value or an exception, is what the last line of ``data`` says."""
    ends = (one for line in last_lines(data) for one in (line, line.removeprefix(_BOM)))
    return any(_explains(line, limit, got, none=True) for line in ends)


def fits_file(data: bytes, limit: int, got: Any) -> bool:
    """Whether it is what a result file of ``data`` says."""
    return any(_explains(whole, limit, got, none=False) for whole in (data, data.removeprefix(_BOM)))


def last_lines(data: bytes) -> Iterator[bytes]:
    """The last line, in each reading of what ends a line, and of what is blank: a carriage return and U+0085 are either."""
    for found in readings(data):
        yield found[-1] if found else b""


def readings(data: bytes) -> Iterator[list[bytes]]:
    """The lines that are not blank, in each reading."""
    for end, blank in itertools.product((rb"\n", rb"\r\n|\r|\n"), (_blank, bytes.isspace)):
        yield [line for line in re.split(end, data) if line and not blank(line)]


def _blank(line: bytes) -> bool:
    return line.decode(errors="replace").isspace()


def _explains(said: bytes, limit: int, got: Any, *, none: bool) -> bool:
    refused = isinstance(got, Exception)
    try:
        text = said.decode()
        json.loads(text, parse_constant=no_constant, parse_int=str)
    except RecursionError:
        return refused
    except ValueError:
        return refused or (none and got is None)
    try:
        value = json.loads(text)
    except ValueError:  # a number of more digits than Python reads
        return refused
    if not carriable(value, limit):
        return refused
    return same(value, got) or (refused and len(said) > limit)


def no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def carriable(value: Any, limit: int) -> bool:
    """Whether the way to the database takes it."""
    try:
        msgspec.msgpack.encode(value)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return len(text.encode()) <= limit and not _has_nul(value)
    except (ValueError, OverflowError, RecursionError):
        return False


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_nul(one) for pair in value.items() for one in pair)
    return any(map(_has_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value
