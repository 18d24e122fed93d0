"""``plan``: find the first subtasks of a run. Runs in the runner.

Its subtasks are enqueued like any others, in batches, so a plan of 100,000 fits a small pod; its own result is only
the list that Airflow maps ``run`` over, whose entries mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from airflow.sdk import BaseOperator, Context

from airflow_mcp_provider.operators.found import enqueue_found, enqueue_listed
from airflow_mcp_provider.operators.params import declared
from airflow_mcp_provider.operators.server_client import ServerClient, ThrottledChannel
from airflow_mcp_provider.operators.supervisor_relay import SupervisorLine
from airflow_mcp_provider.runtime import size_limits, soft_stop
from airflow_mcp_provider.runtime.container import Engine
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.runtime.request_types import Begin, StepLimits
from airflow_mcp_provider.runtime.stdout import PlanLines, payloads
from airflow_mcp_provider.spec import Items, PythonWork, Subtasks, Timeouts, fill_all, parse_plan


class PlanOperator(BaseOperator):
    """Seed the run. ``work``, ``subtasks`` and ``timeouts`` are parts of the spec in their JSON form.

    ``steps``: of each step its name, the limits of its places, and whether it waits for the steps before it;
    ``container``: the settings of work in a container; ``secrets``: where its pod has some.
    """

    def __init__(  # noqa: PLR0913 - Airflow hands an operator its parts by name
        self,
        *,
        work: dict[str, Any],
        subtasks: dict[str, Any],
        steps: list[dict[str, Any]],
        timeouts: dict[str, Any],
        container: dict[str, Any] | None = None,
        secrets: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.work = work
        self.subtasks = subtasks
        self.steps = steps
        self.timeouts = timeouts
        self.container = container
        self.secrets = secrets

    def execute(self, context: Context) -> list[int]:
        """Return the list to map the first step over: as long as Airflow lets it be, the rest is added by growth."""
        subtasks = Subtasks.model_validate(self.subtasks)
        begin = Begin(str(subtasks.tolerate), msgspec.convert(self.steps, list[StepLimits]))
        client = ServerClient(context["task_state_store"], begin)
        soft_stop.ask_by(client.grace)
        self._find(client, subtasks.key, declared(context), context["ti"])
        planned = client.enqueued or client.send([])  # where nothing was found, the run starts all the same
        self.log.info("planned %s subtasks", planned.reserved)
        return list(range(min(planned.instances, planned.mappable)))

    def on_kill(self) -> None:
        """Cancelled: the work may clean up within the grace of its run, and ends before the runner does."""
        soft_stop.stop()

    def _find(self, client: ServerClient, key_field: str | None, params: Mapping[str, Any], ti: Any) -> None:  # noqa: ANN401 - a task instance
        work = parse_plan(self.work)
        if isinstance(work, Items):
            enqueue_listed(client, [fill_all(item, params) for item in work.items], key_field)
            return
        channel = ThrottledChannel(client)
        found = perform(
            work,
            Call((params,), "params", {}, params),
            channel=channel,
            timeouts=Timeouts.model_validate(self.timeouts),
            key_field=key_field,
            line=SupervisorLine(self.secrets),
            after=enqueue_found,
            limit=size_limits.MAX_REPORT_BYTES,
            engine=self._engine(ti) if self.container else None,
            printed=PlanLines,
        )
        channel.flush()
        if not isinstance(work, PythonWork):
            enqueue_listed(client, payloads(found, enqueued=client.enqueued is not None), key_field)

    def _engine(self, ti: Any) -> Engine:  # noqa: ANN401 - a task instance
        from airflow_mcp_provider.operators.container.choice import engine  # noqa: PLC0415 - few jobs need it

        return engine(self.container or {}, ti, self.task_id, 0)
