"""The arguments of a program, with all placeholders replaced; a value never becomes an option of the program.

Runs in the runner, for commands and containers. A program reads an argument that starts with ``-`` as an option, so
data of a run's conf or of a payload could add an option that the job's author did not intend (``find … -delete``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.environment import MAX_VARIABLE_BYTES, size
from airflow_mcp_provider.spec.template import begins_with_value, fill, names

END_OF_OPTIONS = "--"
"""Programs read all arguments after it as values."""
_NUMBERS = (int, float)


def filled(parts: Iterable[str], values: Mapping[str, Any], before: Iterable[str] = ()) -> list[str]:
    """Return ``parts`` with their placeholders replaced by ``values``; ``before`` are the arguments that come first.

    Raises InvalidPayload when a value makes an argument start with ``-`` and there is no ``--`` before it; a negative
    number is allowed. Raises InvalidPayload when an argument exceeds Linux's limit of 128 KiB.
    """
    ended, argv = END_OF_OPTIONS in before, []
    for part in parts:
        text = fill(part, values)
        if text.startswith("-") and not ended and begins_with_value(part) and not _numeric(part, values):
            raise _option(part, values)
        if size(text) >= MAX_VARIABLE_BYTES:
            raise InvalidPayload(
                f"argument {part!r:.80} too large; expected at most 128 KiB: pass larger data in a file"
            )
        argv.append(text)
        ended = ended or part == END_OF_OPTIONS
    return argv


def _numeric(part: str, values: Mapping[str, Any]) -> bool:
    """Whether all values are numbers: an option needs a letter."""
    return all(type(values[name]) in _NUMBERS for name in names(part))


def _option(part: str, values: Mapping[str, Any]) -> InvalidPayload:
    given = ", ".join(f"{name} is {redaction.shown(values[name])}" for name in names(part))
    return InvalidPayload(
        f"argument {part!r:.80} would start with '-' like an option: {given}; expected another value, "
        "or in the spec the argument '--' before it, or text before the placeholder such as --name={name} or ./{name}"
    )
