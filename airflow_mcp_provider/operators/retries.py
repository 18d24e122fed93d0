"""The spec's ``retries`` as Airflow's retry policy: which failed subtasks are retried.

Runs in the runner. The exception itself stays in the process of the work; the runner gets the names of its classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import Context
from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from airflow_mcp_provider.errors import EnqueueRefused, InvalidRow, SpecError, SubtaskError
from airflow_mcp_provider.runtime.function import class_names

NOT_RETRIED = tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in (EnqueueRefused, SpecError, InvalidRow))
"""Errors that a retry would raise again: limits, invalid payloads, missing functions, damaged rows."""


class NamedRetryPolicy(RetryPolicy):
    """Retry by exception class: never for ``never_on``; if ``only_on`` is given, only for those.

    A name is the dotted path of a class or the last part of it; base classes match, too.
    """

    def __init__(self, *, never_on: Sequence[str] = (), only_on: Sequence[str] = ()) -> None:
        self.never_on = (*NOT_RETRIED, *never_on)
        self.only_on = tuple(only_on)

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide by the classes of ``exception``, in method resolution order."""
        del try_number, max_tries, context  # Airflow checks the number of tries itself
        kinds = _kinds(exception)
        if hit := _first(self.never_on, kinds):
            return RetryDecision.fail(f"{hit} is never retried")
        if self.only_on and not _first(self.only_on, kinds):
            return RetryDecision.fail(f"{kinds[0]} is not in retries.only_on ({', '.join(self.only_on)})")
        return RetryDecision.default()


def _kinds(exception: BaseException) -> tuple[str, ...]:
    given = exception.kinds if isinstance(exception, SubtaskError) else ()
    return (*given, *class_names(type(exception)))


def _first(names: Sequence[str], kinds: Sequence[str]) -> str | None:
    return next((kind for kind in kinds for name in names if kind == name or kind.endswith(f".{name}")), None)
