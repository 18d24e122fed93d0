"""``report``: fold all outcomes into the job's result, and decide how the run ends. Runs in the runner.

Airflow starts it when every instance of every step has ended, however it ended. First it asks the server to confirm
that: subtasks that were enqueued but are not there yet, or that Airflow removed, are brought in, and the report
waits for them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from airflow_mcp_provider.operators import tally
from airflow_mcp_provider.operators.params import declared
from airflow_mcp_provider.operators.run import failure_of
from airflow_mcp_provider.operators.server_client import ServerClient, ThrottledChannel
from airflow_mcp_provider.operators.supervisor_relay import SupervisorLine
from airflow_mcp_provider.operators.tally import ENDS, Tallied
from airflow_mcp_provider.runtime import redaction, size_limits, soft_stop, store_keys
from airflow_mcp_provider.runtime.answer_types import Counts, FailedSubtask
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.runtime.messages import Message, stored
from airflow_mcp_provider.runtime.notice import Event
from airflow_mcp_provider.runtime.outcome import Outcome
from airflow_mcp_provider.runtime.runner_folder import private_folder
from airflow_mcp_provider.spec import PythonWork, Timeouts, Tolerate, Work, parse_work

State = Literal["complete", "partial", "failed", "nothing to do"]
EVENTS: dict[State, Event] = {"failed": "failure", "partial": "partial"}
"""The event of a notification, by the state of the result; ``success`` for others."""
REASON_CHARS = 500
"""Of an error in a run's note."""


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
            failed = replace(result, state="failed", error=_brief(error))
            context["ti"].xcom_push(key="result", value=stored(failed))
            client.verdict(describe(failed, self.tolerate, "success"))
            raise

    def _fold(self, client: ServerClient, context: Context) -> Any:  # noqa: ANN401 - any JSON
        work = parse_work(self.work or {})
        params = declared(context)
        with private_folder() as folder:
            return perform(
                work,
                Call((client.outcomes(), params), "outcomes, params", _listed(work, client, folder), params),
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
        client.verdict(f"failed: the report failed: {_reason(_brief(error))}")
        raise


class RunResult(Message, frozen=True, kw_only=True, omit_defaults=False):
    """The run's result: how its subtasks ended; ``result`` is what the job's report function returned.

    ``steps`` is there for a job with steps, ``error`` where the report failed.
    """

    state: State
    subtasks: int
    succeeded: int
    failed: int
    skipped: int
    failures: list[FailedSubtask]
    steps: dict[str, dict[str, int]] | UnsetType = UNSET
    result: Any = None
    error: ReportError | UnsetType = UNSET


class ReportError(Message, frozen=True):
    """Why the report failed; its trace is in the log."""

    type: str
    message: str


def summary(counts: Tallied, state: State) -> RunResult:
    """Return the run's result, without what the job's function makes of it."""
    steps = {name: {end: getattr(step, end) for end in ("subtasks", *ENDS)} for name, step in counts.steps.items()}
    return RunResult(
        state=state,
        subtasks=counts.subtasks,
        succeeded=counts.succeeded,
        failed=counts.failed,
        skipped=counts.skipped,
        failures=counts.failures,
        steps=steps or UNSET,
    )


def _brief(error: Exception) -> ReportError:
    failure = failure_of(error)
    return ReportError(failure.type, failure.message)


def _listed(work: Work, client: ServerClient, folder: Path) -> dict[str, Any]:
    """Give a command the outcomes as a file of JSON lines, named in ``$MCP_SUBTASK_OUTCOMES``."""
    if isinstance(work, PythonWork):
        return {}
    path = folder / "outcomes.jsonl"
    with path.open("w") as lines:
        lines.writelines(_lines(client.outcomes()))
    return {"outcomes": str(path)}


def _lines(outcomes: Iterator[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        yield json.dumps(dataclasses.asdict(outcome), default=str) + "\n"


def verdict(counts: Tallied, tolerate: Tolerate) -> State:
    """Return how a run with these counts ends."""
    if counts.plan != "success":
        return "failed"
    if not counts.subtasks:
        return "nothing to do"
    if counts.failed == counts.skipped == 0:
        return "complete"
    tolerated = not counts.skipped and tolerate.allows(counts.failed, counts.subtasks)
    return "partial" if tolerated else "failed"


def describe(result: RunResult, tolerate: str, plan: str) -> str:
    """One line for the run's note and the log, and a line for each of the first failures."""
    if plan != "success":
        return f"failed: plan ended as {plan}; see its log"
    if result.state == "nothing to do":
        return "nothing to do: plan found no subtasks"
    text = f"{result.state}: {_why(result)}{result.succeeded} of {result.subtasks} subtasks succeeded"
    if result.failed:
        text += f", {result.failed} failed (tolerated: {tolerate})"
    if result.skipped:
        text += f", {result.skipped} were not started"
    errors = [f"{one.key}: {one.message}" for one in result.failures[:3]]
    return "\n".join([text, *errors])


def _why(result: RunResult) -> str:
    """Return why the report failed, if it did."""
    return f"the report failed: {_reason(result.error)}; " if isinstance(result.error, ReportError) else ""


def _reason(error: ReportError) -> str:
    """Return an error in one line."""
    return " ".join(f"{error.type}: {error.message}".split())[:REASON_CHARS]
