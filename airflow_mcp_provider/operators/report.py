"""``report``: fold all outcomes into the job's result, and decide how the run ends. Runs in the runner.

Airflow starts it when every instance of every step has ended, however it ended. First it asks the server to confirm
that: subtasks that were enqueued but are not there yet, or that Airflow removed, are brought in, and the report
waits for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException
from msgspec.structs import replace

from airflow_mcp_provider.operators import tally
from airflow_mcp_provider.operators.params import declared
from airflow_mcp_provider.operators.run_result import (
    RunResult,
    State,
    brief,
    describe,
    listed,
    reason,
    summary,
    verdict,
    with_error,
)
from airflow_mcp_provider.operators.server_client import ServerClient, ThrottledChannel
from airflow_mcp_provider.operators.supervisor_relay import SupervisorLine
from airflow_mcp_provider.operators.tally import Tallied
from airflow_mcp_provider.runtime import redaction, size_limits, soft_stop, store_keys
from airflow_mcp_provider.runtime.answer_types import Counts
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.runtime.messages import stored
from airflow_mcp_provider.runtime.notice import Event
from airflow_mcp_provider.runtime.runner_folder import private_folder
from airflow_mcp_provider.spec import Timeouts, Tolerate, parse_work

EVENTS: dict[State, Event] = {"failed": "failure", "partial": "partial"}
"""The event of a notification, by the state of the result; ``success`` for others."""


class ReportOperator(BaseOperator):
    """End the run. ``work`` (None: counts and failures only) and ``timeouts`` in their JSON form.

    ``secrets``: where its pod has some. ``on``: the notifiers to call, by event (failure, success, partial), as
    ``notifiers.send`` takes them.
    """

    def __init__(
        self,
        *,
        work: dict[str, Any] | None,
        timeouts: dict[str, Any],
        tolerate: str,
        secrets: Sequence[str] = (),
        on: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.on = on or {}
        self.work = work
        self.timeouts = timeouts
        self.tolerate = tolerate
        self.secrets = secrets

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the run's result; raises AirflowFailException when more failed than is tolerated."""
        client = ServerClient(context["task_state_store"])
        soft_stop.ask_by(client.grace)
        counts = _counts(client)
        if not isinstance(counts, Tallied):
            self.log.info("waiting for %s subtasks that have not ended", counts.pending)
            raise AirflowRescheduleException(datetime.now(UTC))  # type: ignore[no-untyped-call]  # Airflow's
        result = summary(counts, verdict(counts, Tolerate.of(self.tolerate)))
        if self.work and counts.plan == "success":
            result = replace(result, result=self._folded(client, context, result))
        return self._end(client, context, result, counts.plan)

    def on_kill(self) -> None:
        """Cancelled: the work may clean up within the grace of its run, and ends before the runner does."""
        soft_stop.stop()

    def _end(self, client: ServerClient, context: Context, result: RunResult, plan: str) -> dict[str, Any]:
        note = describe(result, self.tolerate, plan)
        if result.state != "complete":
            client.verdict(note)
        elif context["ti"].try_number > 1:
            client.verdict("")
        value: dict[str, Any] = stored(result)
        if result.state == "failed":
            context["ti"].xcom_push(key="result", value=value)
            self._notify(context, result, note)
            raise AirflowFailException(note)
        self.log.info(note)
        self._notify(context, result, note)
        return value

    def _notify(self, context: Context, result: RunResult, note: str) -> None:
        """Call the notifiers of the run's end, and note that as an XCom: the plugin then requests no call."""
        event = EVENTS.get(result.state, "success")
        if not self.on.get(event):
            return
        from airflow_mcp_provider.operators import notifiers  # noqa: PLC0415 - only where a job has some

        notice = notifiers.of_report(context, event, result, note)
        failed = notifiers.send(notice, self.on[event], context, self.secrets)
        context["ti"].xcom_push(key=store_keys.NOTIFIED, value={"event": event, "failed": failed})

    def _folded(self, client: ServerClient, context: Context, result: RunResult) -> Any:  # noqa: ANN401 - any JSON
        """Return what the work made of the outcomes. Where it fails, the counts are left as the run's result."""
        try:
            return redaction.value(self._fold(client, context))
        except Exception as error:
            failed = with_error(result, error)
            context["ti"].xcom_push(key="result", value=stored(failed))
            client.verdict(describe(failed, self.tolerate, "success"))
            raise

    def _fold(self, client: ServerClient, context: Context) -> Any:  # noqa: ANN401 - any JSON
        work = parse_work(self.work or {})
        params = declared(context)
        with private_folder() as folder:
            return perform(
                work,
                Call((client.outcomes(), params), "outcomes, params", listed(work, client.outcomes(), folder), params),
                channel=ThrottledChannel(client),
                timeouts=Timeouts.model_validate(self.timeouts),
                line=SupervisorLine(self.secrets),
                limit=size_limits.MAX_REPORT_BYTES,
            )


def _counts(client: ServerClient) -> Counts | Tallied:
    """Ask whether all subtasks have ended, and count their outcomes then. Where that fails, the run's note has why."""
    try:
        counts = client.confirm()
        return counts if counts.pending else tally.counted(counts, client.tallies())
    except Exception as error:
        client.verdict(f"failed: the report failed: {reason(brief(error))}")
        raise
