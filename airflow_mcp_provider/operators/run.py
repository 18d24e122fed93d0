"""``run``, or a step: one subtask, in one short-lived runner.

A mapped operator: Airflow makes one task instance per subtask; its item is read from the server
(``ServerClient.item``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from airflow_mcp_provider.operators import tracing
from airflow_mcp_provider.operators.child_run import Called
from airflow_mcp_provider.operators.failure import failure_of
from airflow_mcp_provider.operators.params import declared
from airflow_mcp_provider.operators.server_client import ServerClient, ThrottledChannel
from airflow_mcp_provider.operators.supervisor_relay import SupervisorLine
from airflow_mcp_provider.runtime import redaction, size_limits, soft_stop
from airflow_mcp_provider.runtime.container import Engine
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.runtime.memory import OUT_OF_MEMORY
from airflow_mcp_provider.runtime.messages import AttemptOutcome, Item, StartingItem
from airflow_mcp_provider.spec import JobWork, RunnerWork, Timeouts, parse_subtask


class RunOperator(BaseOperator):
    """Do one subtask. ``work`` and ``timeouts`` are parts of the spec in their JSON form.

    ``key_field`` is its ``subtasks.key``; ``has_next_step``: the subtask continues there; ``container``: the settings
    of work in a container; ``secrets``: where its pod has some. ``index`` only makes the operator mappable.
    """

    def __init__(  # noqa: PLR0913 - Airflow hands an operator its parts by name
        self,
        *,
        work: dict[str, Any],
        timeouts: dict[str, Any],
        key_field: str | None = None,
        has_next_step: bool = False,
        container: dict[str, Any] | None = None,
        secrets: Sequence[str] = (),
        index: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.work = work
        self.timeouts = timeouts
        self.key_field = key_field
        self.has_next_step = has_next_step
        self.container = container
        self.secrets = secrets
        self.index = index

    def execute(self, context: Context) -> None:
        """Do the subtask and store its outcome; raises the error of the work, on which the retry policy decides."""
        client = ServerClient(context["task_state_store"])
        soft_stop.ask_by(client.grace)
        item = client.item()
        self._label(context, item.key)
        tracing.describe(item)
        if self._is_over(item):
            return
        attempt = context["ti"].try_number
        try:
            outcome = AttemptOutcome(attempt, self._result(item, client, context))
            (client.done if self.has_next_step else client.outcome)(outcome)
        except AirflowRescheduleException:
            raise
        except Exception as error:
            failure = failure_of(error)
            if failure.type == OUT_OF_MEMORY:
                client.out_of_memory(attempt)
            client.outcome(AttemptOutcome(attempt, error=failure, final=self._is_last(error, context)))
            raise

    def _is_over(self, item: StartingItem) -> bool:
        """Whether an earlier attempt has succeeded; raises Airflow's exceptions for one that may not start (yet)."""
        if item.stopped:
            raise AirflowSkipException(item.stopped)
        if item.waits:
            self.log.info(item.waits)
            raise AirflowRescheduleException(datetime.now(UTC))  # type: ignore[no-untyped-call]  # Airflow's
        if item.done:
            self.log.info("an earlier attempt succeeded, and the subtask has continued in the next step")
        return item.done

    def on_kill(self) -> None:
        """Cancelled: the work may clean up within the grace of its run, and ends before the runner does."""
        soft_stop.stop()

    def _result(self, item: Item, client: ServerClient, context: Context) -> Any:  # noqa: ANN401 - any JSON
        work = JobWork(job=item.job) if item.job is not None else parse_subtask(self.work)
        if not isinstance(work, JobWork):
            return redaction.value(self._perform(work, client, item.subtask, context))
        run = Called(client.called(work.job, item.payload, item.results))
        self.log.info("run %s of %s is %s", run.answer.run, work.job, run.answer.state)
        if run.pause is not None:
            raise AirflowRescheduleException(datetime.now(UTC) + run.pause)  # type: ignore[no-untyped-call]  # Airflow's
        tracing.describe_call(work.job, run.answer)
        return redaction.value(run.result(work.job))

    def _perform(self, work: RunnerWork, client: ServerClient, payload: dict[str, Any], context: Context) -> Any:  # noqa: ANN401 - any JSON
        channel, params = ThrottledChannel(client), declared(context)
        try:
            return perform(
                work,
                Call((payload, params), "subtask, params", payload, params),
                channel=channel,
                timeouts=Timeouts.model_validate(self.timeouts),
                key_field=self.key_field,
                line=SupervisorLine(self.secrets),
                engine=self._engine(client, context["ti"]) if self.container else None,
            )
        finally:
            channel.flush()

    def _engine(self, client: ServerClient, ti: Any) -> Engine:  # noqa: ANN401 - a task instance
        from airflow_mcp_provider.operators.container.choice import engine  # noqa: PLC0415 - few jobs need it

        return engine(self.container or {}, ti, ti.rendered_map_index, client.ooms)

    def _label(self, context: Context, key: str) -> None:
        """Give ``map_index_template`` its value; the server shows it already, so Airflow need not send it again."""
        context["ti"].rendered_map_index = key[: size_limits.LABEL_CHARS]
        context["mcp_key"] = key[: size_limits.LABEL_CHARS]  # type: ignore[typeddict-unknown-key]  # a template variable of ours

    def _is_last(self, error: Exception, context: Context) -> bool:
        """Whether Airflow makes no further attempt after ``error``."""
        ti = context["ti"]
        policy = self.retry_policy
        fails = policy is not None and policy.evaluate(error, ti.try_number, ti.max_tries).action is RetryAction.FAIL
        return fails or ti.try_number > ti.max_tries
