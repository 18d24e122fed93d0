"""What a job's document has of its spec: read from the serialized DAG, without the arguments of the work.

The DAG is not deserialized: that takes longer than all the rest of a document.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import yaml
from pydantic_core import to_jsonable_python

from airflow_mcp_provider.constants import DOC_TABLE, JOB_TAG
from airflow_mcp_provider.plugin.db.state_store import PLAN, REPORT
from airflow_mcp_provider.plugin.status.airflow_internals import is_arg_set, plain, timetable
from airflow_mcp_provider.runtime import redaction, store_keys
from airflow_mcp_provider.spec.durations import human
from airflow_mcp_provider.spec.marker import Marker
from airflow_mcp_provider.spec.schedule_rules import ScheduleRules
from airflow_mcp_provider.timetable.base import DatesTimetable

TIMETABLES = "airflow_mcp_provider.timetable"
"""The package of the timetables of schedules with dates."""


def params(dag: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a run's conf."""
    found = {name: _schema(param) for name, param in dag.get("params") or []}
    required = [name for name, schema in found.items() if "default" not in schema]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": redaction.value(found),
        "required": required,
        "additionalProperties": False,
    }


def _schema(param: Mapping[str, Any]) -> dict[str, Any]:
    schema = plain(param.get("schema")) or {}
    default = plain(param.get("default"))
    described = {"description": param["description"]} if param.get("description") else {}
    given = is_arg_set(default) and (default is not None or _may_be_null(schema))
    return {**schema, **described, **({"default": default} if given else {})}


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "null" or (isinstance(kind, list) and "null" in kind)


def spec(dag: Mapping[str, Any], marker: Marker) -> dict[str, Any]:
    """Return what is known of the spec: its description, its limits, its queue and its steps."""
    run = dag.get("dagrun_timeout")
    timeouts = {
        "run": human(timedelta(seconds=run)) if isinstance(run, int | float) else None,
        "queue": human(marker.timeout) if marker.timeout else None,
    }
    parts = {
        "description": _described(str(dag.get("doc_md") or "")) or dag.get("description"),
        "tags": sorted(tag for tag in dag.get("tags") or [] if tag != JOB_TAG),
        "queue": {"priority": marker.priority, **marker.submit.dump()},
        "parallelism": dag.get("max_active_tasks"),
        "timeouts": {name: limit for name, limit in timeouts.items() if limit},
        "schedule": _schedule(marker.schedule) if marker.schedule else {},
        "jobs": [*marker.calls],
        "steps": _steps(dag),
    }
    found: dict[str, Any] = redaction.value({name: part for name, part in parts.items() if part})
    return found


def _described(doc: str) -> str:
    """Return the description in the documentation of a DAG: what is before the table of the tasks."""
    return doc.rpartition(DOC_TABLE)[0].strip()


def text(found: Mapping[str, Any]) -> str:
    """Return what ``spec`` has returned as YAML, for people."""
    return yaml.safe_dump(to_jsonable_python(found), sort_keys=False, allow_unicode=True, width=100)


def upcoming(dag: Mapping[str, Any], moment: datetime, count: int) -> list[datetime]:
    """Return the next dates of the schedule, without jitter; none for a job whose runs have no dates in advance."""
    found = timetable(dag, TIMETABLES)
    return [*islice(found.dates.all_after(moment), count)] if isinstance(found, DatesTimetable) else []


def _schedule(rules: ScheduleRules) -> dict[str, Any]:
    times = {"jitter": rules.jitter, "misfire_grace": rules.misfire_grace}
    given = {name: human(time) for name, time in times.items() if time}
    return {**given, "coalesce": rules.coalesce, **({"conf": dict(rules.conf)} if rules.conf else {})}


def _steps(dag: Mapping[str, Any]) -> list[dict[str, Any]]:
    tasks = [task.get("__var", {}) for task in dag.get("tasks") or [] if isinstance(task, dict)]
    return [_step(task) for task in tasks if _is_step(task.get("task_id"))]


def _is_step(task_id: object) -> bool:
    return isinstance(task_id, str) and task_id not in {PLAN, REPORT} and not task_id.endswith(store_keys.PLACES)


def _step(task: Mapping[str, Any]) -> dict[str, Any]:
    own = {**task, **(task.get("partial_kwargs") or {})}
    found = {
        "name": task["task_id"],
        "attempts": own["retries"] + 1 if isinstance(own.get("retries"), int) else None,
        "parallelism": own.get("max_active_tis_per_dagrun"),
    }
    return {name: value for name, value in found.items() if value is not None}
