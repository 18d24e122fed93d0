"""``run``, or a step: one subtask, in one short-lived runner.

A mapped operator: Airflow makes an instance a subtask; which one it is, the server tells (``Link.item``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from airflow_mcp_provider.errors import SubtaskError
from airflow_mcp_provider.operators.child_run import Called
from airflow_mcp_provider.operators.params import declared
from airflow_mcp_provider.operators.server_client import Link, Progress
from airflow_mcp_provider.operators.supervisor_relay import SupervisorLine
from airflow_mcp_provider.runtime import processes, protocol, redaction
from airflow_mcp_provider.runtime.container import Engine
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.runtime.function import describe
from airflow_mcp_provider.runtime.memory import OUT_OF_MEMORY
from airflow_mcp_provider.spec import JobWork, RunnerWork, Timeouts, parse_subtask


class RunOperator(BaseOperator):
    """Do one subtask. ``work`` and ``timeouts`` are parts of the spec in their JSON form.

    ``key_field`` is its ``subtasks.key``; ``hands_on``: there is a next step; ``container``: what the work is told
    that is one; ``secrets``: where its pod has some. ``index`` only makes the operator mappable.
    """

    def __init__(  # noqa: PLR0913 - Airflow hands an operator its parts by name
        self,
        *,
        work: dict[str, Any],
        timeouts: dict[str, Any],
        key_field: str | None = None,
        hands_on: bool = False,
        container: dict[str, Any] | None = None,
        secrets: Sequence[str] = (),
        index: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.work = work
        self.timeouts = timeouts
        self.key_field = key_field
        self.hands_on = hands_on
        self.container = container
        self.secrets = secrets
        self.index = index

    def execute(self, context: Context) -> None:
        """Do the subtask and keep its outcome; raises what the retry policy decides on."""
        store = context["task_state_store"]
        item = Link(store, {}).item()
        self._label(context, item["key"])
        if self._is_over(item):
            return
        link = Link(store, {"parent": item["key"], "depth": item["depth"] + 1})
        try:
            subtask = {**item["payload"], **item.get("results", {})}
            result = self._result(item, link, subtask, context)
            outcome = {"attempt": context["ti"].try_number, "result": result}
            if self.hands_on:
                link.done(outcome)
        except AirflowRescheduleException:
            raise
        except Exception as error:
            failure = self._failure(error, context)
            if failure["error"]["type"] == OUT_OF_MEMORY:
                link.out_of_memory(context["ti"].try_number)
            link.outcome({"attempt": context["ti"].try_number, **failure})
            raise
        if not self.hands_on:
            link.outcome(outcome)

    def _is_over(self, item: dict[str, Any]) -> bool:
        """Whether an earlier attempt has done all; raises what Airflow does with one that may not start, or not yet."""
        if stopped := item.get("stopped"):
            raise AirflowSkipException(stopped)
        if waits := item.get("waits"):
            self.log.info(waits)
            raise AirflowRescheduleException(datetime.now(UTC))  # type: ignore[no-untyped-call]  # Airflow's
        if done := item.get("done", False):
            self.log.info("done by an earlier attempt, and handed on to the next step")
        return bool(done)

    def on_kill(self) -> None:
        """Cancelled: the work ends before the runner does."""
        processes.kill_all()

    def _result(self, item: dict[str, Any], link: Link, subtask: dict[str, Any], context: Context) -> Any:  # noqa: ANN401 - any JSON
        work = JobWork(job=item["job"]) if "job" in item else parse_subtask(self.work)
        if not isinstance(work, JobWork):
            return redaction.value(self._perform(work, link, subtask, context))
        run = Called(**link.called(work.job, item["payload"], item.get("results", {})))
        self.log.info("run %s of %s is %s", run.run, work.job, run.state)
        if run.pause is not None:
            raise AirflowRescheduleException(datetime.now(UTC) + run.pause)  # type: ignore[no-untyped-call]  # Airflow's
        return redaction.value(run.result(work.job))

    def _perform(self, work: RunnerWork, link: Link, payload: dict[str, Any], context: Context) -> Any:  # noqa: ANN401 - any JSON
        channel, params = Progress(link), declared(context)
        try:
            return perform(
                work,
                Call((payload, params), "subtask, params", payload, params),
                channel=channel,
                timeouts=Timeouts.model_validate(self.timeouts),
                key_field=self.key_field,
                line=SupervisorLine(self.secrets),
                engine=self._engine(link, context["ti"]) if self.container else None,
            )
        finally:
            channel.flush()

    def _engine(self, link: Link, ti: Any) -> Engine:  # noqa: ANN401 - a task instance
        from airflow_mcp_provider.operators.container.choice import engine  # noqa: PLC0415 - few jobs need it

        return engine(self.container or {}, ti, ti.rendered_map_index, link.ooms)

    def _label(self, context: Context, key: str) -> None:
        """Give ``map_index_template`` its value; the server shows it already, so Airflow need not send it again."""
        context["ti"].rendered_map_index = key[: protocol.LABEL_CHARS]
        context["mcp_key"] = key[: protocol.LABEL_CHARS]  # type: ignore[typeddict-unknown-key]  # a template variable of ours

    def _failure(self, error: Exception, context: Context) -> dict[str, Any]:
        ti = context["ti"]
        policy = self.retry_policy
        fails = policy is not None and policy.evaluate(error, ti.try_number, ti.max_tries).action is RetryAction.FAIL
        return {
            "error": told(error),
            "final": fails or ti.try_number > ti.max_tries,
        }


def told(error: Exception) -> dict[str, str]:
    """Return what a subtask's outcome tells of its error."""
    plain = describe(error)
    if not isinstance(error, SubtaskError):
        return {"type": plain["kinds"][0], "message": plain["message"][:2000], "trace": plain["trace"]}
    kind = error.kinds[0] if error.kinds else plain["kinds"][0]
    return {"type": kind, "message": plain["message"][:2000], "trace": redaction.text(error.trace)}
