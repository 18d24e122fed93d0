"""``run``, or a step, with ``batch``: one runner takes several subtasks in turn.

What Airflow does for a lone subtask, the server does here (``plugin.growth.batch_dispatch``): it knows which subtasks
the task instance serves, how each ended, and when one is tried again. So a runner holds nothing that is lost with it.
Airflow's own tries are for lost runners.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import msgspec
from airflow.sdk import Context
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
)

from airflow_mcp_provider.errors import LimitReached
from airflow_mcp_provider.operators import tracing
from airflow_mcp_provider.operators.failure import failure_of
from airflow_mcp_provider.operators.retries import NamedRetryPolicy
from airflow_mcp_provider.operators.run import RunOperator
from airflow_mcp_provider.operators.server_client import ServerClient
from airflow_mcp_provider.runtime import soft_stop
from airflow_mcp_provider.runtime.answer_types import NextAnswer, NextDue, NextEnd, NextStopped, NextSubtask, NextWaits
from airflow_mcp_provider.runtime.backoff import Tries
from airflow_mcp_provider.runtime.memory import OUT_OF_MEMORY
from airflow_mcp_provider.runtime.outcome import Error
from airflow_mcp_provider.runtime.request_types import BatchOutcome

SHORT = 5.0
"""Seconds that a runner waits for a subtask that is to be tried again; for a longer time it ends."""


class BatchOperator(RunOperator):
    """Do the subtasks of one batch, one after the other.

    ``tries`` is the spec's ``retries`` (see ``runtime.backoff``) with its lists ``never_on`` and ``only_on``.
    """

    def __init__(self, *, tries: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tries = tries
        self._ended = False
        self._short_of_memory = False

    def execute(self, context: Context) -> None:
        """Do what is left of the batch; raises what makes its task instance failed, skipped, or come again."""
        client = ServerClient(context["task_state_store"])
        soft_stop.ask_by(client.grace)
        answer = self._next(client, None)
        while True:
            if isinstance(answer, NextSubtask):
                answer = self._after(client, self._attempt(client, context, answer), answer.ahead)
            elif isinstance(answer, NextDue) and self._rested(datetime.fromisoformat(answer.due)):
                answer = self._next(client, None)
            else:
                self._end(context, answer)
                return

    def on_kill(self) -> None:
        """Cancelled, or its pod is taken away: the work ends, and no further subtask is begun."""
        self._ended = True
        soft_stop.stop()

    def _next(self, client: ServerClient, ended: BatchOutcome | None) -> NextAnswer:
        tries = Tries(*(self.tries[name] for name in ("attempts", "delay", "backoff", "max_delay")))
        return client.next(tries, ended, fresh=self._short_of_memory)

    def _after(self, client: ServerClient, ended: BatchOutcome, ahead: list[NextSubtask]) -> NextAnswer:
        """Report how a subtask ended; returns the next one, or why there is none."""
        if self._ended:
            raise AirflowException("the runner was asked to end; its current subtask will be tried again")
        if ahead and ended.error is None and client.go_on(ended, ahead[0]):
            return msgspec.structs.replace(ahead[0], ahead=ahead[1:])
        try:
            return self._next(client, ended)
        except LimitReached as error:  # the next step is full: that is this subtask's failure
            failed = BatchOutcome(attempt=ended.attempt, error=failure_of(error), final=True, place=ended.place)
            return self._next(client, failed)

    def _attempt(self, client: ServerClient, context: Context, given: NextSubtask) -> BatchOutcome:
        """Do one subtask; returns how it ended."""
        self.log.info("subtask %s, attempt %s", given.item.key, given.attempt)
        try:
            with tracing.span_of(given.item):
                client.trace = tracing.traceparent()
                result = self._result(given.item, client, context)
        except Exception as error:  # noqa: BLE001 - the subtask's end, not its neighbours'
            self.log.error("subtask %s failed: %s", given.item.key, error)  # noqa: TRY400 - the work has left its trace
            failure, final = failure_of(error), self._is_final(error, given.tried)
            self._note_memory(client, context, failure)
            return BatchOutcome(attempt=given.attempt, error=failure, final=final, place=given.place)
        return BatchOutcome(attempt=given.attempt, result=result, place=given.place)

    def _is_final(self, error: Exception, tried: int) -> bool:
        policy = NamedRetryPolicy(never_on=self.tries["never_on"], only_on=self.tries["only_on"])
        return policy.evaluate(error, tried, self.tries["attempts"]).action is RetryAction.FAIL

    def _note_memory(self, client: ServerClient, context: Context, failure: Error) -> None:
        """Note that this pod ran out of memory: the subtask is tried again in another pod, which may have more."""
        if failure.type == OUT_OF_MEMORY and not self._short_of_memory:
            self._short_of_memory = True
            client.out_of_memory(context["ti"].try_number)

    def _rested(self, due: datetime) -> bool:
        """Wait for a subtask that is due soon, unless it needs another pod."""
        wait = (due - datetime.now(UTC)).total_seconds()
        if wait > SHORT or self._short_of_memory:
            return False
        time.sleep(max(wait, 0))
        if self._ended:
            raise AirflowException("the runner was asked to end")
        return True

    def _end(self, context: Context, answer: NextEnd) -> None:
        self._label(context, answer.label)
        if isinstance(answer, NextStopped):
            raise AirflowSkipException(answer.reason)
        if isinstance(answer, NextWaits):
            self.log.info(answer.reason)
            raise AirflowRescheduleException(datetime.now(UTC))  # type: ignore[no-untyped-call]  # Airflow's
        if isinstance(answer, NextDue):
            raise AirflowRescheduleException(datetime.fromisoformat(answer.due))  # type: ignore[no-untyped-call]  # Airflow's
        if answer.failed:
            raise AirflowFailException(f"{answer.failed} of {answer.size} subtasks failed: {answer.first}")
        self.log.info("%s subtasks are done", answer.size)
