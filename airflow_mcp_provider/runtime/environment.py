"""What a command or a container finds in its environment: payload and params, as far as Linux lets variables hold them.

Runs in the runner. Files hold the same values whole. What is left out of the environment is named in the task's log.
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
"""Of Linux, for one variable with its name, and for one argument."""
MAX_CONTAINER_BYTES = 800_000
"""Of all variables of a container: a pod has them in its object, for which Kubernetes has about 1.5 MB."""
PAYLOAD_FILE, PARAMS_FILE = "MCP_PAYLOAD_FILE", "MCP_PARAMS_FILE"
_MOST_BYTES = 6_291_456
"""Of Linux, for all variables and arguments of a program, however large its stack may be."""
_POINTER_BYTES = 8
_NAMED_CHARS = 1_000


def variables(subtask: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that tell payload and params, whatever their size."""
    return {
        "MCP_SUBTASK": json.dumps(dict(subtask)),
        "MCP_PARAMS": json.dumps(dict(params)),
        **_named("MCP_PARAM_", params),
        **_named("MCP_SUBTASK_", subtask),
    }


def _named(prefix: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Give each plain value its variable; of names that differ in case alone none has one, and the log says so."""
    named = Counter(name.upper() for name in values if name.isidentifier())
    if shared := sorted(prefix + name for name, count in named.items() if count > 1):
        told = f"left out, because the names of several values differ in case alone: {', '.join(shared)[:_NAMED_CHARS]}"
        print(told, flush=True)  # noqa: T201 - the task's log
    return {prefix + name.upper(): text for name, text in _scalars(values) if named[name.upper()] == 1}


def _scalars(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Texts as they are, numbers and booleans as JSON; a name or text that no environment can hold is left out."""
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items() if not isinstance(v, dict | list)}
    return [(k, v) for k, v in texts.items() if k.isidentifier() and "\0" not in v]


def texts(subtask: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, str]:
    """Return the JSON of each file, by the variable that names the file."""
    return {PAYLOAD_FILE: json.dumps(dict(subtask)), PARAMS_FILE: json.dumps(dict(params))}


def write(files: Mapping[str, str], folder: Path, seen_as: str | None = None) -> dict[str, str]:
    """Write the files; returns the variables with their paths, in a container that sees the folder ``seen_as`` that."""
    paths = {name: folder / f"{name.removeprefix('MCP_').removesuffix('_FILE').lower()}.json" for name in files}
    for name, path in paths.items():
        path.write_text(files[name])
        path.chmod(0o644)  # whatever user a container has; the folder above is the runner's alone
    return {name: f"{seen_as or folder}/{path.name}" for name, path in paths.items()}


def fitting(values: Mapping[str, str], room: int) -> dict[str, str]:
    """Return what fits into ``room`` bytes; the largest are left out, and the log names them."""
    sizes = {name: _cost(f"{name}={text}") for name, text in values.items()}
    total = sum(sizes.values())
    left: dict[str, None] = {}
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if total > room or sizes[name] - _POINTER_BYTES > MAX_VARIABLE_BYTES:
            left[name] = None
            total -= sizes[name]
    if left:
        names = redaction.text(", ".join(left))[:_NAMED_CHARS]
        told = f"${PAYLOAD_FILE} and ${PARAMS_FILE}, where they are set, have all values"
        print(f"too large for the environment, and left out of it: {names}; {told}", flush=True)  # noqa: T201 - the task's log
    return {name: text for name, text in values.items() if name not in left}


def room(others: Mapping[str, str], argv: Sequence[str]) -> int:
    """Return how many bytes of variables a program may get beside these; half of all is left to what it starts."""
    used = sum(map(_cost, argv)) + sum(_cost(f"{name}={text}") for name, text in others.items())
    return min(os.sysconf("SC_ARG_MAX"), _MOST_BYTES) // 2 - used


def _cost(text: str) -> int:
    """Return the bytes that Linux counts: the text, its end, a pointer to it."""
    return size(text) + 1 + _POINTER_BYTES


def size(text: str) -> int:
    """Return the bytes of a text."""
    return len(text.encode("utf-8", "surrogatepass"))
