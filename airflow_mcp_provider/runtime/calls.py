"""The three calls of a job's own code: ``enqueue``, ``enqueue_many``, ``progress``.

They reach the runner through the socket that ``$MCP_DOOR`` names, so they work from any thread, any child
process and any Python program that the subtask starts.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from airflow_mcp_provider import errors
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.json_values import plain

DOOR = "MCP_DOOR"
_SHOWN_CHARS = 500
_AT_ONCE = 500
"""Children of one call to the runner."""
_MAX_BYTES = 64_000_000
"""Of such a call: a little less than the runner reads."""


def enqueue(payload: Mapping[str, Any], *, key: str | None = None, job: str | None = None) -> bool:
    """Add one subtask to the run that is running; it may start at once, while this one goes on.

    When this returns the subtask is durable. ``key`` is its identity within the run (default: the payload's
    field that ``subtasks.key`` names, else a hash of the payload); True: it is new, False: the run has it already.

    With ``job`` it is a run of that job, which the spec's ``subtasks.jobs`` must name: ``payload`` is its conf, the
    result of its report becomes the result. Its default key is the job's name and the payload.

    Raises EnqueueRefused (InvalidPayload, LimitReached, RunIsOver), or SpecError for ``job``: nothing was added;
    TryAgain: Airflow did not answer; InstallationError: the API server lacks the plugin.
    """
    return enqueue_many([payload], key=None if key is None else lambda _: key, job=job) == 1


def enqueue_many(
    payloads: Iterable[Mapping[str, Any]],
    *,
    key: Callable[[Mapping[str, Any]], str] | None = None,
    job: str | None = None,
) -> int:
    """Add many subtasks at once; ``key`` makes the key of each from its payload. Returns how many are new.

    With ``job`` each is a run of that job.

    Raises what ``enqueue`` raises. They are sent in batches: after an error the batches before it are in.
    """
    children = ([plain(payload, "payload"), _key(key, payload), job] for payload in payloads)
    new = 0
    while batch := list(itertools.islice(children, _AT_ONCE)):
        new += int(_ask({"op": "enqueue", "children": batch})["new"])
    return new


def _key(key: Callable[[Mapping[str, Any]], str] | None, payload: Mapping[str, Any]) -> object:
    """Return the key that is given; a secret in it may be known here alone."""
    given: object = None if key is None else key(payload)
    return redaction.key(given) if isinstance(given, str) else given


def progress(fraction: float, message: str = "") -> None:
    """Show how far this subtask is, ``fraction`` from 0 to 1: in Airflow's UI and REST API within 2 s.

    A fraction outside of that is cut to it, and no number (nan) is 0; only the first 500 characters are shown.
    A message is a text; of another value its ``str`` is shown, or that it has none.
    """
    text = redaction.text(_text(message))[:_SHOWN_CHARS].replace("\0", "\\0")
    shown = text.encode("utf-8", "backslashreplace").decode()  # a file's name may hold lone surrogates
    _ask({"op": "progress", "fraction": _share(fraction), "message": shown})


def _text(message: object) -> str:
    """Progress is for people to read, so a value that cannot be shown (too deep) fails no subtask."""
    try:
        return str(message)
    except Exception as error:  # noqa: BLE001 - whatever its own __str__ raises
        return f"a message of the type {type(message).__name__} that cannot be shown ({type(error).__name__})"


def _share(fraction: float) -> float:
    try:
        number = float(fraction)
    except OverflowError:  # an integer that no float holds
        number = 1.0 if fraction > 0 else 0.0
    except (TypeError, ValueError):  # no number at all: progress fails no subtask
        number = 0.0
    return 0.0 if math.isnan(number) else min(max(number, 0.0), 1.0)


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(_exchange(_line(request)))
    if failure := answer.get("error"):
        kind: type[errors.McpError] = getattr(errors, failure["type"], errors.McpError)
        raise kind(failure["message"])
    return answer


def _line(request: dict[str, Any]) -> bytes:
    try:
        line = json.dumps(request, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise errors.InvalidPayload(f"a payload is plain JSON; this one is not: {error}") from None
    if len(line) > _MAX_BYTES:
        raise errors.InvalidPayload(f"the payloads of one call have {len(line)} bytes, {_MAX_BYTES} are allowed")
    return line


def _exchange(line: bytes) -> str:
    path = os.environ.get(DOOR)
    if not path:
        raise errors.RunIsOver("enqueue and progress work inside a running subtask; $MCP_DOOR is not set here")
    with socket.socket(socket.AF_UNIX) as door:
        try:
            door.connect(path)
            with suppress(BrokenPipeError):  # refused before all of it was sent: the answer says why
                door.sendall(line)
            answer = door.makefile(encoding="utf-8").readline()
        except OSError as error:
            raise errors.RunIsOver(f"the subtask of this call has ended ({error})") from None
    if not answer:
        raise errors.RunIsOver("the subtask of this call ended before it was answered")
    return answer
