"""The arguments of a program, with all placeholders filled in; a value never becomes an option of the program.

Runs in the runner, for commands and containers alike. A program takes an argument that begins with ``-`` for an option,
so data of a run's conf or of a payload could switch on what the job's author never meant (``find … -delete``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.environment import MAX_VARIABLE_BYTES, size
from airflow_mcp_provider.spec.template import begins_with_value, fill, names

END_OF_OPTIONS = "--"
"""Programs take what stands after it for values."""
_NUMBERS = (int, float)


def filled(parts: Iterable[str], values: Mapping[str, Any], before: Iterable[str] = ()) -> list[str]:
    """Return ``parts`` with the values in them; ``before`` are the parts of the same arguments that come first.

    Raises InvalidPayload where a value would begin an argument with ``-`` and no ``--`` stands before it. A number
    below zero may. Raises it, too, for an argument that Linux lets no program have.
    """
    ended, argv = END_OF_OPTIONS in before, []
    for part in parts:
        text = fill(part, values)
        if text.startswith("-") and not ended and begins_with_value(part) and not _numeric(part, values):
            raise _option(part, values)
        if size(text) >= MAX_VARIABLE_BYTES:
            raise InvalidPayload(f"{part!r:.80} is larger than the 128 KiB of an argument: use a file")
        argv.append(text)
        ended = ended or part == END_OF_OPTIONS
    return argv


def _numeric(part: str, values: Mapping[str, Any]) -> bool:
    """Whether no text is put in: an option needs a letter of somebody's."""
    return all(type(values[name]) in _NUMBERS for name in names(part))


def _option(part: str, values: Mapping[str, Any]) -> InvalidPayload:
    given = ", ".join(f"{name} is {redaction.shown(values[name])}" for name in names(part))
    return InvalidPayload(
        f"the argument {part!r:.80} would begin with '-', as an option does; given {given}; expected another value, "
        "or in the spec the argument '--' before it, or text at its beginning such as --name={name} or ./{name}"
    )
