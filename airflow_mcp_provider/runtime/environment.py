"""The environment variables of a command or a container: payload and params, within the limits of Linux.

Runs in the runner. Files have the same values without these limits. The task log lists the variables that are not set.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_mcp_provider.runtime import redaction

MAX_VARIABLE_BYTES = 131_072
"""The limit of Linux for one variable with its name, and for one argument."""
MAX_CONTAINER_BYTES = 800_000
"""The limit for all variables of a container: they are part of the pod object, which may have about 1.5 MB."""
PAYLOAD_FILE, PARAMS_FILE = "MCP_PAYLOAD_FILE", "MCP_PARAMS_FILE"
_MOST_BYTES = 6_291_456
"""The limit of Linux for all variables and arguments of a program, whatever its stack size is."""
_POINTER_BYTES = 8
_NAMED_CHARS = 1_000


def variables(subtask: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables for payload and params, without regard to their size."""
    return {
        "MCP_SUBTASK": json.dumps(dict(subtask)),
        "MCP_PARAMS": json.dumps(dict(params)),
        **_named("MCP_PARAM_", params),
        **_named("MCP_SUBTASK_", subtask),
    }


def _named(prefix: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return a variable for each scalar value; names that differ only in case are left out and logged."""
    named = Counter(name.upper() for name in values if name.isidentifier())
    if shared := sorted(prefix + name for name, count in named.items() if count > 1):
        skipped = ", ".join(shared)[:_NAMED_CHARS]
        print(f"environment variables not set, because names differ only in case: {skipped}", flush=True)  # noqa: T201 - the task's log
    return {prefix + name.upper(): text for name, text in _scalars(values) if named[name.upper()] == 1}


def _scalars(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return strings as they are, numbers and booleans as JSON; leave out what an environment cannot hold."""
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items() if not isinstance(v, dict | list)}
    return [(k, v) for k, v in texts.items() if k.isidentifier() and "\0" not in v]


def texts(subtask: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, str]:
    """Return the JSON content of each file, by the variable with the path of the file."""
    return {PAYLOAD_FILE: json.dumps(dict(subtask)), PARAMS_FILE: json.dumps(dict(params))}


def write(files: Mapping[str, str], folder: Path, seen_as: str | None = None) -> dict[str, str]:
    """Write the files; returns the variables with their paths. ``seen_as``: the mount path of ``folder``, if any."""
    paths = {name: folder / f"{name.removeprefix('MCP_').removesuffix('_FILE').lower()}.json" for name in files}
    for name, path in paths.items():
        path.write_text(files[name])
        path.chmod(0o644)  # readable for any user of a container; the parent folder is private to the runner
    return {name: f"{seen_as or folder}/{path.name}" for name, path in paths.items()}


def fitting(values: Mapping[str, str], room: int) -> dict[str, str]:
    """Return the variables that fit into ``room`` bytes; the largest are left out and logged."""
    sizes = {name: _cost(f"{name}={text}") for name, text in values.items()}
    total = sum(sizes.values())
    left: dict[str, None] = {}
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if total > room or sizes[name] - _POINTER_BYTES > MAX_VARIABLE_BYTES:
            left[name] = None
            total -= sizes[name]
    if left:
        names = redaction.text(", ".join(left))[:_NAMED_CHARS]
        files = f"the files ${PAYLOAD_FILE} and ${PARAMS_FILE}, where set, have all values"
        print(f"environment variables not set, because they are too large: {names}; {files}", flush=True)  # noqa: T201 - the task's log
    return {name: text for name, text in values.items() if name not in left}


def room(others: Mapping[str, str], argv: Sequence[str]) -> int:
    """Return how many more bytes of variables a program may get; half of the limit is left for its own children."""
    used = sum(map(_cost, argv)) + sum(_cost(f"{name}={text}") for name, text in others.items())
    return min(os.sysconf("SC_ARG_MAX"), _MOST_BYTES) // 2 - used


def _cost(text: str) -> int:
    """Return the bytes that Linux counts: the text, a NUL, a pointer."""
    return size(text) + 1 + _POINTER_BYTES


def size(text: str) -> int:
    """Return the size of a text in bytes."""
    return len(text.encode("utf-8", "surrogatepass"))
