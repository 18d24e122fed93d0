"""``report``: fold all outcomes into the job's result, and decide how the run ends. Runs in the runner.

Airflow starts it when every instance of every step has ended, however it ended. First it asks the server to confirm
that: subtasks that were enqueued but are not there yet, or that Airflow removed, are brought in, and the report
waits for them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException

from airflow_mcp_provider.operators import tally
from airflow_mcp_provider.operators.params import declared
from airflow_mcp_provider.operators.run import told
from airflow_mcp_provider.operators.server_client import Link, Progress
from airflow_mcp_provider.operators.supervisor_relay import SupervisorLine
from airflow_mcp_provider.runtime import processes, protocol, redaction
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.runtime.outcome import Outcome
from airflow_mcp_provider.runtime.runner_folder import private_folder
from airflow_mcp_provider.spec import PythonWork, Timeouts, Tolerate, Work, parse_work

State = Literal["complete", "partial", "failed", "nothing to do"]
REASON_CHARS = 500
"""Of an error in a run's note."""


class ReportOperator(BaseOperator):
    """End the run. ``work`` (None: counts and failures only) and ``timeouts`` in their JSON form.

    ``secrets``: where its pod has some.
    """

    def __init__(
        self,
        *,
        work: dict[str, Any] | None,
        timeouts: dict[str, Any],
        tolerate: str,
        secrets: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.work = work
        self.timeouts = timeouts
        self.tolerate = tolerate
        self.secrets = secrets

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the run's result; raises AirflowFailException when more failed than is tolerated."""
        link = Link(context["task_state_store"], {})
        counts = _counts(link)
        if counts["pending"]:
            self.log.info("waiting for %s subtasks that have not ended", counts["pending"])
            raise AirflowRescheduleException(datetime.now(UTC))  # type: ignore[no-untyped-call]  # Airflow's
        result = summary(counts, verdict(counts, Tolerate.of(self.tolerate)))
        if self.work and counts["plan"] == "success":
            result["result"] = self._folded(link, context, result)
        return self._end(link, context, result, counts)

    def on_kill(self) -> None:
        """Cancelled: the work ends before the runner does."""
        processes.kill_all()

    def _end(self, link: Link, context: Context, result: dict[str, Any], counts: dict[str, Any]) -> dict[str, Any]:
        note = describe(result, self.tolerate, counts["plan"])
        if result["state"] != "complete":
            link.verdict(note)
        elif context["ti"].try_number > 1:
            link.verdict("")
        if result["state"] == "failed":
            context["ti"].xcom_push(key="result", value=result)
            raise AirflowFailException(note)
        self.log.info(note)
        return result

    def _folded(self, link: Link, context: Context, result: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        """Return what the work made of the outcomes. Where it fails, what is known is left as the run's result."""
        try:
            return redaction.value(self._fold(link, context))
        except Exception as error:
            failed = {**result, "state": "failed", "error": _brief(error)}
            context["ti"].xcom_push(key="result", value=failed)
            link.verdict(describe(failed, self.tolerate, "success"))
            raise

    def _fold(self, link: Link, context: Context) -> Any:  # noqa: ANN401 - any JSON
        work = parse_work(self.work or {})
        params = declared(context)
        with private_folder() as folder:
            return perform(
                work,
                Call((link.outcomes(), params), "outcomes, params", _listed(work, link, folder), params),
                channel=Progress(link),
                timeouts=Timeouts.model_validate(self.timeouts),
                line=SupervisorLine(self.secrets),
                limit=protocol.MAX_REPORT_BYTES,
            )


def _counts(link: Link) -> dict[str, Any]:
    """Ask whether all has ended, and count it then. Where the server cannot tell, the run's note says why."""
    try:
        counts = link.ask(protocol.CONFIRM, {})
        return counts if counts["pending"] else counts | tally.counted(counts["reserved"], link.tallies())
    except Exception as error:
        link.verdict(f"failed: the report failed: {_reason(_brief(error))}")
        raise


def summary(counts: dict[str, Any], state: State) -> dict[str, Any]:
    """Return the run's result, without what the job's function makes of it."""
    return {
        "state": state,
        "subtasks": counts["reserved"],
        **{name: counts[name] for name in ("succeeded", "failed", "skipped", "failures")},
        **({"steps": counts["steps"]} if counts["steps"] else {}),
        "result": None,
    }


def _brief(error: Exception) -> dict[str, str]:
    """Return an error without its trace, which is in the log."""
    return {name: text for name, text in told(error).items() if name != "trace"}


def _listed(work: Work, link: Link, folder: Path) -> dict[str, Any]:
    """Give a command the outcomes as a file of JSON lines, named in ``$MCP_SUBTASK_OUTCOMES``."""
    if isinstance(work, PythonWork):
        return {}
    path = folder / "outcomes.jsonl"
    with path.open("w") as lines:
        lines.writelines(_lines(link.outcomes()))
    return {"outcomes": str(path)}


def _lines(outcomes: Iterator[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        yield json.dumps(dataclasses.asdict(outcome), default=str) + "\n"


def verdict(counts: dict[str, Any], tolerate: Tolerate) -> State:
    """Tell how a run ends that has these counts."""
    if counts["plan"] != "success":
        return "failed"
    if not counts["reserved"]:
        return "nothing to do"
    if counts["failed"] == counts["skipped"] == 0:
        return "complete"
    tolerated = not counts["skipped"] and tolerate.allows(counts["failed"], counts["reserved"])
    return "partial" if tolerated else "failed"


def describe(result: dict[str, Any], tolerate: str, plan: str) -> str:
    """One line for the run's note and the log."""
    if plan != "success":
        return f"failed: plan ended as {plan}; its log says why"
    if result["state"] == "nothing to do":
        return "nothing to do: plan found no subtasks"
    text = f"{result['state']}: {_why(result)}{result['succeeded']} of {result['subtasks']} subtasks succeeded"
    if result["failed"]:
        text += f", {result['failed']} failed (tolerated: {tolerate})"
    if result["skipped"]:
        text += f", {result['skipped']} were not started"
    errors = [f"{one['key']}: {one['message']}" for one in result["failures"][:3]]
    return "\n".join([text, *errors])


def _why(result: dict[str, Any]) -> str:
    """Say why the report failed, if it did."""
    return f"the report failed: {_reason(result['error'])}; " if result.get("error") else ""


def _reason(error: dict[str, str]) -> str:
    """Tell an error in one line."""
    return " ".join(f"{error['type']}: {error['message']}".split())[:REASON_CHARS]
