"""The error of an attempt: what its outcome has of it, and whether another attempt is made.

Used by the tasks of subtasks and by ``local_run``. Imports nothing of Airflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_mcp_provider.errors import EnqueueRefused, InvalidRow, SpecError, SubtaskError
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.function import class_names, describe
from airflow_mcp_provider.runtime.outcome import Error

NOT_RETRIED = tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in (EnqueueRefused, SpecError, InvalidRow))
"""Errors that a retry would raise again: limits, invalid payloads, missing functions, damaged rows."""


@dataclass(frozen=True)
class Retried:
    """Which errors are retried, by exception class: never ``never_on``; if ``only_on`` is given, only those.

    A name is the dotted path of a class or the last part of it; base classes match, too.
    """

    never_on: Sequence[str] = ()
    only_on: Sequence[str] = ()

    def refusal(self, error: BaseException) -> str | None:
        """Return why ``error`` is not retried, by its classes in method resolution order; None if it is."""
        kinds = _kinds(error)
        if hit := _first((*NOT_RETRIED, *self.never_on), kinds):
            return f"{hit} is never retried"
        if self.only_on and not _first(self.only_on, kinds):
            return f"{kinds[0]} is not in retries.only_on ({', '.join(self.only_on)})"
        return None


def _kinds(exception: BaseException) -> tuple[str, ...]:
    given = exception.kinds if isinstance(exception, SubtaskError) else ()
    return (*given, *class_names(type(exception)))


def _first(names: Sequence[str], kinds: Sequence[str]) -> str | None:
    return next((kind for kind in kinds for name in names if kind == name or kind.endswith(f".{name}")), None)


def failure_of(error: Exception) -> Error:
    """Return what a subtask's outcome has of its error."""
    plain = describe(error)
    if not isinstance(error, SubtaskError):
        return Error(plain["kinds"][0], plain["message"][:2000], plain["trace"])
    kind = error.kinds[0] if error.kinds else plain["kinds"][0]
    return Error(kind, plain["message"][:2000], redaction.text(error.trace))
