"""The schedule of a job, as keyword arguments of its DAG: a timetable for dates, assets for events.

A runner does not need it: its run exists already. There the DAG has no schedule, and no timetable is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.sdk import get_parsing_context

from airflow_mcp_provider.factory.assets import completed
from airflow_mcp_provider.spec import JobSpec
from airflow_mcp_provider.spec.schedule import Schedule


@dataclass(frozen=True)
class DagSchedule:
    """Three arguments of a DAG; ``schedule`` is a timetable, or a list of assets."""

    schedule: Any = None
    catchup: bool = False
    start_date: datetime | None = None


def of_dag(job: str, schedule: Schedule | None) -> DagSchedule:
    """Return the schedule of the DAG of ``job``; raises SpecError for a queue whose provider is not installed."""
    if schedule is None or get_parsing_context().task_id is not None:
        return DagSchedule()
    if schedule.after:
        return DagSchedule([completed(name) for name in sorted(schedule.after)])
    if schedule.watch:
        from airflow_mcp_provider.factory.watch_asset import watch_asset  # noqa: PLC0415 - few jobs need its trigger

        return DagSchedule([watch_asset(job, schedule.watch)])
    from airflow_mcp_provider.timetable import EPOCH  # noqa: PLC0415 - only where DAGs are scheduled

    return DagSchedule(_timetable(schedule), not schedule.coalesce, None if schedule.coalesce else EPOCH)


def params(spec: JobSpec) -> dict[str, Any]:
    """Return the params of the job; one without a default has the value of ``schedule.conf`` as its default.

    Airflow refuses a DAG with a schedule and a param without a default.
    """
    conf = spec.schedule.conf if spec.schedule else {}
    filled = {name: {"default": conf[name], **schema} for name, schema in spec.params.items() if name in conf}
    return {**spec.params, **filled}


def _timetable(schedule: Schedule) -> Any:  # noqa: ANN401 - a timetable, whose module is not imported here
    from airflow_mcp_provider.timetable import AtTimetable, CronTimetable, EveryTimetable  # noqa: PLC0415 - see above
    from airflow_mcp_provider.timetable.base import Frame  # noqa: PLC0415 - likewise

    frame = Frame(schedule.timezone, schedule.start, schedule.end, schedule.misfire_grace)
    if schedule.at:
        return AtTimetable(schedule.at, frame)
    return EveryTimetable(schedule.every, frame) if schedule.every else CronTimetable(schedule.cron, frame)
