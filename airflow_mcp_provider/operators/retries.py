"""The spec's ``retries`` as Airflow's retry policy: which failed subtasks are retried.

Runs in the runner. The exception itself stays in the process of the work; the runner gets the names of its classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import Context
from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from airflow_mcp_provider.operators.failure import NOT_RETRIED, Retried


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
        refusal = Retried(self.never_on, self.only_on).refusal(exception)
        return RetryDecision.fail(refusal) if refusal else RetryDecision.default()
