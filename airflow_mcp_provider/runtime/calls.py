"""The three functions for a job's own code: ``enqueue``, ``enqueue_many``, ``progress``.

They connect to the runner through the Unix socket at ``$MCP_SOCKET``, so they work from any thread, any child
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

SOCKET = "MCP_SOCKET"
"""The environment variable with the path of the runner's Unix socket."""
_SHOWN_CHARS = 500
_AT_ONCE = 500
"""Subtasks per request to the runner."""
_MAX_BYTES = 64_000_000
"""The largest request; a little less than the runner reads."""


def enqueue(payload: Mapping[str, Any], *, key: str | None = None, job: str | None = None) -> bool:
    """Add one subtask to the current run; it may start at once, in parallel with this one.

    ``payload`` is a JSON object. When this function returns, the subtask is stored in Airflow's database. ``key`` is
    its identity within the run (default: the field of the payload that ``subtasks.key`` names, else a hash of the
    payload). Returns True for a new subtask, False when the run already has one with this key.

    With ``job`` the subtask is a run of that job, which the spec's ``subtasks.jobs`` must list: ``payload`` is the conf
    of the run, and the result of its report is the result of the subtask. The default key is the job's name and the
    payload.

    Raises EnqueueRefused (InvalidPayload, LimitReached, RunIsOver), or SpecError for ``job``, when nothing was added;
    TryAgain when Airflow did not answer; InstallationError when the API server does not have the plugin.
    """
    return enqueue_many([payload], key=None if key is None else lambda _: key, job=job) == 1


def enqueue_many(
    payloads: Iterable[Mapping[str, Any]],
    *,
    key: Callable[[Mapping[str, Any]], str] | None = None,
    job: str | None = None,
) -> int:
    """Add many subtasks; ``key`` computes the key of each from its payload. Returns the number of new subtasks.

    With ``job`` each subtask is a run of that job.

    Raises the same errors as ``enqueue``. The subtasks are sent in batches: after an error, the batches before it are
    stored.
    """
    children = ([plain(payload, "payload"), _key(key, payload), job] for payload in payloads)
    new = 0
    while batch := list(itertools.islice(children, _AT_ONCE)):
        new += int(_ask({"op": "enqueue", "children": batch})["new"])
    return new


def _key(key: Callable[[Mapping[str, Any]], str] | None, payload: Mapping[str, Any]) -> object:
    """Return the key with its secrets masked: only this process may know them."""
    given: object = None if key is None else key(payload)
    return redaction.key(given) if isinstance(given, str) else given


def progress(fraction: float, message: str = "") -> None:
    """Show the progress of this subtask in Airflow's UI and REST API, within 2 s.

    ``fraction`` is a number from 0 to 1; a number outside this range is clamped to it, anything else counts as 0.
    ``message`` is a string of which the first 500 characters are shown; another value is converted with ``str``.
    """
    text = redaction.text(_text(message))[:_SHOWN_CHARS].replace("\0", "\\0")
    shown = text.encode("utf-8", "backslashreplace").decode()  # a file's name may hold lone surrogates
    _ask({"op": "progress", "fraction": _share(fraction), "message": shown})


def _text(message: object) -> str:
    """Convert a message; a value whose ``str()`` fails (nested too deeply) does not fail the subtask."""
    try:
        return str(message)
    except Exception as error:  # noqa: BLE001 - whatever its own __str__ raises
        return f"message of type {type(message).__name__}: str() raised {type(error).__name__}"


def _share(fraction: float) -> float:
    try:
        number = float(fraction)
    except OverflowError:  # an integer that no float holds
        number = 1.0 if fraction > 0 else 0.0
    except (TypeError, ValueError):  # not a number: progress must not fail the subtask
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
        raise errors.InvalidPayload(f"the payload is not plain JSON: {error}") from None
    if len(line) > _MAX_BYTES:
        raise errors.InvalidPayload(f"payloads too large: {len(line)} bytes; expected at most {_MAX_BYTES} per call")
    return line


def _exchange(line: bytes) -> str:
    path = os.environ.get(SOCKET)
    if not path:
        raise errors.RunIsOver("enqueue() and progress() work only inside a running subtask: $MCP_SOCKET is not set")
    with socket.socket(socket.AF_UNIX) as channel:
        try:
            channel.connect(path)
            with suppress(BrokenPipeError):  # refused before all of it was sent: the answer has the reason
                channel.sendall(line)
            with channel.makefile(encoding="utf-8") as lines:  # SoftTimeout would be lost in a file's own finalizer
                answer = lines.readline()
        except OSError as error:
            raise errors.RunIsOver(f"cannot connect to the runner, the subtask has ended: {error}") from None
    if not answer:
        raise errors.RunIsOver("the runner sent no answer: the subtask ended before the call was complete")
    return answer
