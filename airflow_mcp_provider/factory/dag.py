"""One job spec, one DAG: ``plan ──► run[0 … n, …] ──► report``.

A pure function: the same spec gives the same DAG, byte for byte once serialised. Runs in the DAG processor, and in
every runner for the one job that it serves.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param

from airflow_mcp_provider.factory import placing
from airflow_mcp_provider.factory.page import page
from airflow_mcp_provider.operators.plan import PlanOperator
from airflow_mcp_provider.operators.report import ReportOperator
from airflow_mcp_provider.operators.retries import NamedRetryPolicy
from airflow_mcp_provider.operators.run import RunOperator
from airflow_mcp_provider.spec import JobSpec, Retries
from airflow_mcp_provider.spec.marker import KEY, TAG

CONTROL_RETRIES: dict[str, Any] = {"retries": 3, "retry_delay": timedelta(seconds=2)}
"""Of plan and report. At least one try more is part of the contract: Airflow can lose a task's final state."""
KEY_TEMPLATE = "{{ mcp_key }}"


def build_dag(spec: JobSpec) -> DAG:
    """Return the job's DAG, with the tasks ``plan``, ``run`` and ``report``.

    Raises SpecError when Kubernetes would not take the spec's ``pod``.
    """
    timeouts = spec.timeouts.model_dump(mode="json", exclude_none=True)
    control = {**CONTROL_RETRIES, **placing.of_control(spec)}
    with _dag(spec) as dag:
        plan = PlanOperator(
            task_id="plan",
            work=_dump(spec.plan),
            subtasks=spec.subtasks.model_dump(mode="json"),
            timeouts=timeouts,
            **control,
        )
        run = RunOperator.partial(
            task_id="run",
            work=_dump(spec.run),
            timeouts=timeouts,
            key_field=spec.subtasks.key,
            map_index_template=KEY_TEMPLATE,
            do_xcom_push=False,
            **_retries(spec.retries),
            **placing.of_subtasks(spec),
        ).expand(index=plan.output)
        report = ReportOperator(
            task_id="report",
            work=_dump(spec.report) if spec.report else None,
            timeouts=timeouts,
            tolerate=str(spec.subtasks.tolerate),
            trigger_rule="all_done",
            **control,
        )
        run >> report
        dag.add_result(report.output)
    return dag


def _dag(spec: JobSpec) -> DAG:
    # Plan, subtasks and report never run together, so the run's limit is the subtasks' limit; unlike the limit of
    # a task it costs the scheduler no query an instance.
    limits: dict[str, Any] = {"max_active_tasks": spec.subtasks.parallelism} if spec.subtasks.parallelism else {}
    return DAG(
        spec.id,
        description=spec.description.partition("\n")[0] or None,
        doc_md=page(spec),
        schedule=None,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=spec.timeouts.run,
        params={name: _param(schema) for name, schema in spec.params.items()},
        tags=[TAG, *spec.tags],
        default_args={"owner": spec.owner, **_queue(spec)},
        **limits,
    )


def _queue(spec: JobSpec) -> dict[str, Any]:
    # Absolute: a job's tasks weigh the same, so that no job's plan comes before the report of a more urgent one.
    weight = {"priority_weight": 1 + spec.queue.priority, "weight_rule": "absolute"}
    return {KEY: placing.marker(spec).dump(), **weight}


def _dump(part: Any) -> dict[str, Any]:  # noqa: ANN401 - a Work or Items
    dumped: dict[str, Any] = part.model_dump(mode="json")
    return dumped


def _param(schema: Any) -> Param:  # noqa: ANN401 - a frozen JSON Schema
    keywords = {**schema}
    description = keywords.pop("description", None)
    default = {"default": keywords.pop("default")} if "default" in keywords else {}
    return Param(**default, description=description, schema=keywords)


def _retries(retries: Retries) -> dict[str, Any]:
    return {
        "retries": retries.attempts - 1,
        "retry_delay": retries.delay,
        "retry_exponential_backoff": retries.backoff if retries.backoff > 1 else 0,
        "max_retry_delay": retries.max_delay,
        "retry_policy": NamedRetryPolicy(never_on=retries.never_on, only_on=retries.only_on),
    }
