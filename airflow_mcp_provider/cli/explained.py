"""What ``airflow mcp explain`` shows of a job: plain values, made from its spec and its DAG.

Needs no database and no running Airflow. The fields of the classes are those of the JSON output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow_mcp_provider.cli.pod_count import Runners, runners
from airflow_mcp_provider.cli.words import Lines, notifications, queue, schedule, time_limits, work
from airflow_mcp_provider.factory import build_dag

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_mcp_provider.spec import JobSpec, Step

NEXT_RUNS = 5


@dataclass(frozen=True)
class Task:
    """One task of the DAG: ``after`` are the tasks before it. The limits are those of one of its subtasks or runs."""

    name: str
    work: str
    after: tuple[str, ...] = ()
    mapped: bool = False
    attempts: int = 1
    limit: int | None = None
    depth: int | None = None
    batch: int | None = None
    parallelism: int | None = None
    time_limits: str = ""


@dataclass(frozen=True)
class NextRun:
    """The date of a run in the zone of the schedule, and in UTC, both as ISO 8601."""

    local: str
    utc: str


@dataclass(frozen=True)
class Explained:
    """A job. Texts with several facts are lists of one fact each."""

    job: str
    file: str
    description: str
    tags: tuple[str, ...]
    params: tuple[str, ...]
    tasks: tuple[Task, ...]
    runners: Runners
    tolerate: str
    time_limits: str
    queue: Lines
    schedule: Lines
    timezone: str
    next_runs: tuple[NextRun, ...]
    notifications: Lines


def explained(spec: JobSpec, file: str, now: datetime | None = None) -> Explained:
    """Return what the job of ``spec`` becomes; raises SpecError where no DAG can be built of it."""
    dag = build_dag(spec)
    zone = spec.schedule.timezone if spec.schedule else "UTC"
    return Explained(
        job=spec.id,
        file=file,
        description=spec.description,
        tags=spec.tags,
        params=tuple(spec.params),
        tasks=tuple(_tasks(spec, dag)),
        runners=runners(spec, dag.max_active_tasks),
        tolerate=str(spec.subtasks.tolerate),
        time_limits=time_limits(spec.timeouts),
        queue=queue(spec),
        schedule=schedule(spec, getattr(dag.timetable, "description", "")),
        timezone=zone,
        next_runs=tuple(_next_runs(dag, ZoneInfo(zone), now or datetime.now(UTC))),
        notifications=notifications(spec),
    )


def _tasks(spec: JobSpec, dag: DAG) -> Iterator[Task]:
    steps = {step.name: step for step in spec.each_step}
    for one in dag.topological_sort():  # type: ignore[no-untyped-call]  # Airflow's
        name = one.node_id
        before = tuple(sorted(one.upstream_task_ids))
        if step := steps.get(name):
            yield _of_step(spec, step, before)
        elif name in {"plan", "report"}:
            done = spec.plan if name == "plan" else spec.report
            attempts = int(getattr(one, "retries", 0) or 0) + 1
            yield Task(name, work(done), before, attempts=attempts, time_limits=time_limits(spec.timeouts, run=False))
        else:
            yield Task(name, "an empty task, over which the next step is mapped", before)


def _of_step(spec: JobSpec, step: Step, before: tuple[str, ...]) -> Task:
    bounds = step.subtasks
    assert bounds is not None  # noqa: S101 - JobSpec.each_step sets it
    return Task(
        step.name,
        work(step.run),
        before,
        mapped=True,
        attempts=(step.retries or spec.retries).attempts,
        limit=bounds.limit,
        depth=bounds.depth,
        batch=bounds.batch,
        parallelism=bounds.parallelism,
        time_limits=time_limits(step.timeouts or spec.timeouts, run=False),
    )


def _next_runs(dag: DAG, zone: ZoneInfo, now: datetime) -> Iterator[NextRun]:
    from airflow_mcp_provider.timetable.base import DatesTimetable  # noqa: PLC0415 - loaded with the DAG of a schedule

    timetable: Any = dag.timetable
    if isinstance(timetable, DatesTimetable):
        for date in islice(timetable.dates.all_after(now), NEXT_RUNS):
            yield NextRun(date.astimezone(zone).isoformat(), date.astimezone(UTC).isoformat())
