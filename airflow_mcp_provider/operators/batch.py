"""``run``, or a step, with ``batch``: one runner takes several subtasks in turn.

What Airflow does for a lone subtask, the server does here (``plugin.growth.batch_dispatch``): it knows which subtasks
the task instance serves, how each ended, and when one is tried again. So a runner holds nothing that is lost with it.
Airflow's own tries are for lost runners.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Context
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
)

from airflow_mcp_provider.errors import LimitReached
from airflow_mcp_provider.operators.retries import NamedRetryPolicy
from airflow_mcp_provider.operators.run import RunOperator, told
from airflow_mcp_provider.operators.server_client import Link
from airflow_mcp_provider.runtime import processes, protocol
from airflow_mcp_provider.runtime.memory import OUT_OF_MEMORY

SHORT = 5.0
"""Seconds that a runner waits for a subtask that is to be tried again; for a longer time it gives its place up."""


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
        link = Link(context["task_state_store"], {})
        given = self._next(link, None)
        while True:
            if "item" in given:
                given = self._after(link, self._turn(link, context, given), given["ahead"])
            elif "due" in given and self._rested(datetime.fromisoformat(given["due"])):
                given = self._next(link, None)
            else:
                self._end(context, given)
                return

    def on_kill(self) -> None:
        """Cancelled, or its pod is taken away: the work ends, and no further subtask is begun."""
        self._ended = True
        processes.kill_all()

    def _next(self, link: Link, ended: dict[str, Any] | None) -> dict[str, Any]:
        tries = {name: self.tries[name] for name in ("attempts", "delay", "backoff", "max_delay")}
        return link.ask(protocol.NEXT, {"tries": tries, "ended": ended, "fresh": self._short_of_memory})

    def _after(self, link: Link, ended: dict[str, Any], ahead: list[dict[str, Any]]) -> dict[str, Any]:
        """Tell what a subtask ended with; returns the next one, or what there is instead."""
        if self._ended:
            raise AirflowException("the runner was asked to end; the subtask in hand is tried again")
        if ahead and "error" not in ended and link.go_on(ended, ahead[0]):
            return {**ahead[0], "ahead": ahead[1:]}
        try:
            return self._next(link, ended)
        except LimitReached as error:  # the next step is full: that is this subtask's failure
            failure = {"place": ended["place"], "attempt": ended["attempt"], **self._failed(error, final=True)}
            return self._next(link, failure)

    def _turn(self, link: Link, context: Context, given: dict[str, Any]) -> dict[str, Any]:
        """Do one subtask; returns what it ended with."""
        item = given["item"]
        self.log.info("subtask %s, attempt %s", item["key"], given["attempt"])
        ended = {"place": given["place"], "attempt": given["attempt"]}
        subtask = {**item["payload"], **item.get("results", {})}
        one = link.of(parent=item["key"], depth=item["depth"] + 1)
        try:
            return {**ended, "result": self._result(item, one, subtask, context)}
        except Exception as error:  # noqa: BLE001 - the subtask's end, not its neighbours'
            self.log.error("subtask %s failed: %s", item["key"], error)  # noqa: TRY400 - the work has left its trace
            failure = self._failed(error, final=self._is_final(error, given["try"]))
            self._note_memory(link, context, failure)
            return {**ended, **failure}

    def _is_final(self, error: Exception, tried: int) -> bool:
        policy = NamedRetryPolicy(never_on=self.tries["never_on"], only_on=self.tries["only_on"])
        return policy.evaluate(error, tried, self.tries["attempts"]).action is RetryAction.FAIL

    def _failed(self, error: Exception, *, final: bool) -> dict[str, Any]:
        return {"error": told(error), "final": final}

    def _note_memory(self, link: Link, context: Context, failure: dict[str, Any]) -> None:
        """What has run out of memory here is tried again in another pod, which may have more."""
        if failure["error"]["type"] == OUT_OF_MEMORY and not self._short_of_memory:
            self._short_of_memory = True
            link.out_of_memory(context["ti"].try_number)

    def _rested(self, due: datetime) -> bool:
        """Wait for a subtask that is due soon, unless it needs another pod."""
        wait = (due - datetime.now(UTC)).total_seconds()
        if wait > SHORT or self._short_of_memory:
            return False
        time.sleep(max(wait, 0))
        if self._ended:
            raise AirflowException("the runner was asked to end")
        return True

    def _end(self, context: Context, given: dict[str, Any]) -> None:
        self._label(context, given["label"])
        if stopped := given.get("stopped"):
            raise AirflowSkipException(stopped)
        if waits := given.get("waits"):
            self.log.info(waits)
            raise AirflowRescheduleException(datetime.now(UTC))  # type: ignore[no-untyped-call]  # Airflow's
        if due := given.get("due"):
            raise AirflowRescheduleException(datetime.fromisoformat(due))  # type: ignore[no-untyped-call]  # Airflow's
        if given["failed"]:
            raise AirflowFailException(f"{given['failed']} of {given['size']} subtasks failed: {given['first']}")
        self.log.info("%s subtasks are done", given["size"])
