"""Build the DAG of a job spec: ``plan ──► run[0 … n, …] ──► report``; with steps one mapped task per step.

No step is downstream of another: its subtasks are added while the run is active, when those of the previous step are
done. Airflow maps a later step over the output of an empty task (``<step>.places``), which has no items at first.

``build_dag`` is a pure function in the DAG processor: the same spec gives the same serialized DAG. It runs in every
runner for its own job, too; there the spec of the run takes the place of a newer one (``run_spec``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, Param
from airflow.sdk.definitions.mappedoperator import MappedOperator

from airflow_mcp_provider.constants import JOB_TAG, MARKER_KEY, SPEC_KEY
from airflow_mcp_provider.factory import placement, run_spec, schedule
from airflow_mcp_provider.factory.airflow_internals import checked
from airflow_mcp_provider.factory.doc_md import page
from airflow_mcp_provider.operators.plan import PlanOperator
from airflow_mcp_provider.operators.report import ReportOperator
from airflow_mcp_provider.operators.retries import NamedRetryPolicy
from airflow_mcp_provider.operators.run import RunOperator
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec import JobSpec, Retries, Step, version

MOST_TRIES = 100
SHORT_DELAY = timedelta(seconds=5)
"""Retry delay of a batch whose runner was lost: its other subtasks are waiting.

The subtask that was running has the retry delay of the job.
"""
CONTROL_RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=2),
    "retry_policy": NamedRetryPolicy(),
}
"""Retries of plan and report; errors that a retry cannot fix are final.

At least one retry is needed, because Airflow can lose the final state of a task.
"""
KEY_TEMPLATE = "{{ mcp_key }}"


def build_dag(spec: JobSpec) -> DAG:
    """Return the job's DAG with the tasks ``plan``, ``run`` (or one per step, with its name) and ``report``.

    Raises SpecError when the spec's ``pod`` is not valid for Kubernetes or for this installation, and
    UnknownExecutorException for ``control: local`` where the LocalExecutor is not configured.
    """
    spec = run_spec.of_run(spec)
    timeouts = spec.timeouts.model_dump(mode="json", exclude_none=True)
    with _dag(spec) as dag:
        plan = PlanOperator(
            task_id="plan",
            work=_dump(spec.plan),
            subtasks=spec.subtasks.model_dump(mode="json", exclude={"batch"}),
            steps=[_places(step) for step in spec.each_step],
            timeouts=timeouts,
            **CONTROL_RETRIES,
            **placement.of_plan(spec),
        )
        steps = _steps(spec, plan)
        report = ReportOperator(
            task_id="report",
            work=_dump(spec.report) if spec.report else None,
            timeouts=timeouts,
            tolerate=str(spec.subtasks.tolerate),
            trigger_rule="all_done",
            **CONTROL_RETRIES,
            **placement.of_report(spec),
            **_notifiers(dag, spec),
        )
        steps >> report
        dag.add_result(report.output)
        checked(dag).auto_register = True
    return dag


def _notifiers(dag: DAG, spec: JobSpec) -> dict[str, Any]:
    if spec.on is None:
        return {}
    from airflow_mcp_provider.factory import notifications  # noqa: PLC0415 - only where a job has some

    notifications.attach(dag, spec)
    return notifications.of_report(spec)


def _steps(spec: JobSpec, plan: PlanOperator) -> list[MappedOperator]:
    each = spec.each_step
    tasks: list[MappedOperator] = []
    for step in each:
        task = _step(spec, step, _list(plan, step) if tasks else plan, last=step == each[-1])
        if step.wait:
            tasks >> task
        tasks.append(task)
    return tasks


def _step(spec: JobSpec, step: Step, mapped_over: BaseOperator, *, last: bool) -> MappedOperator:
    own: dict[str, Any] = {} if last else {"has_next_step": True}
    if step.subtasks and step.subtasks.parallelism:
        own["max_active_tis_per_dagrun"] = step.subtasks.parallelism
    if step.wait:
        own["trigger_rule"] = "all_done"
    kind, retries = _retries(step.retries or spec.retries, step.batch)
    return kind.partial(
        task_id=step.name,
        work=_dump(step.run),
        timeouts=step.timeouts.model_dump(mode="json", exclude_none=True) if step.timeouts else {},
        key_field=spec.subtasks.key,
        map_index_template=KEY_TEMPLATE,
        do_xcom_push=False,
        **retries,
        **placement.of_step(step),
        **own,
    ).expand(index=mapped_over.output)


def _list(plan: PlanOperator, step: Step) -> BaseOperator:
    from airflow.providers.standard.operators.empty import EmptyOperator  # noqa: PLC0415 - needed only for steps after the first

    places: BaseOperator = EmptyOperator(task_id=step.name + store_keys.PLACES)
    plan >> places
    return places


def _places(step: Step) -> dict[str, Any]:
    bounds = step.subtasks.model_dump(include={"limit", "depth"}) if step.subtasks else {}
    batch = {"batch": step.batch} if step.batch > 1 else {}
    return {"name": step.name, **bounds, "wait": step.wait is not None, **batch}


def _dag(spec: JobSpec) -> DAG:
    # Plan, subtasks and report never run at the same time, so the limit of the run is that of the subtasks. Unlike the
    # limit of a task it needs no query per task instance in the scheduler.
    created = schedule.of_dag(spec.id, spec.schedule)
    limits: dict[str, Any] = {"max_active_tasks": spec.subtasks.parallelism} if spec.subtasks.parallelism else {}
    return DAG(
        spec.id,
        description=spec.description.partition("\n")[0] or None,
        doc_md=page(spec),
        schedule=created.schedule,
        catchup=created.catchup,
        start_date=created.start_date,
        max_active_runs=1,
        dagrun_timeout=spec.timeouts.run,
        params={name: _param(schema) for name, schema in schedule.params(spec).items()},
        tags=[JOB_TAG, *spec.tags],
        default_args={"owner": spec.owner, **_queue(spec)},
        auto_register=False,  # before it is complete: Airflow also registers one whose ``with`` block raised an error
        **limits,
    )


def _queue(spec: JobSpec) -> dict[str, Any]:
    # Absolute: all tasks of a job have the same weight, so that no plan starts before the report of a job with a higher
    # priority.
    weight = {"priority_weight": 1 + spec.queue.priority, "weight_rule": "absolute"}
    return {MARKER_KEY: placement.marker(spec).dump(), SPEC_KEY: version.text(spec), **weight}


def _dump(part: Any) -> dict[str, Any]:  # noqa: ANN401 - a Work or Items
    dumped: dict[str, Any] = part.model_dump(mode="json")
    return dumped


def _param(schema: Any) -> Param:  # noqa: ANN401 - a frozen JSON Schema
    keywords = {**schema}
    description = keywords.pop("description", None)
    default = {"default": keywords.pop("default")} if "default" in keywords else {}
    return Param(**default, description=description, schema=keywords)


def _retries(retries: Retries, batch: int) -> tuple[type[RunOperator], dict[str, Any]]:
    if batch > 1:
        from airflow_mcp_provider.operators.batch import BatchOperator  # noqa: PLC0415 - few jobs need it

        return BatchOperator, _tries_of_batch(retries, batch)
    return RunOperator, {
        "retries": retries.attempts - 1,
        "retry_delay": retries.delay,
        "retry_exponential_backoff": retries.backoff if retries.backoff > 1 else 0,
        "max_retry_delay": retries.max_delay,
        "retry_policy": NamedRetryPolicy(never_on=retries.never_on, only_on=retries.only_on),
    }


def _tries_of_batch(retries: Retries, batch: int) -> dict[str, Any]:
    tries = retries.model_dump(include={"attempts", "backoff"})
    times = {name: getattr(retries, name).total_seconds() for name in ("delay", "max_delay")}
    names = {name: [*getattr(retries, name)] for name in ("never_on", "only_on")}
    return {
        "tries": {**tries, **times, **names},
        "retries": max(min(retries.attempts * batch, MOST_TRIES) - 1, 1),
        "retry_delay": min(retries.delay, SHORT_DELAY),
    }
