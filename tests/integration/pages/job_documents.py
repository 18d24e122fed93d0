"""The document of a job and its history, as the HTTP API gives them: made with the models of the client."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow_mcp_provider.client.models import Holder, Job, Runs, RunState, RunSummary, Why
from tests.integration.pages import documents
from tests.integration.pages.documents import LONG, STATES, ago, run

JOB = "crawl"
PATH = f"jobs/{JOB}"
TAB = f"/dags/{JOB}/plugin/mcp-job"
FIRST, SECOND, THIRD = "manual__1st", "manual__2nd", "manual__3rd"
PARAMS = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "format": "uri", "title": "Start page", "description": "Where the walk begins."},
        "depth": {"type": "integer", "default": 2, "minimum": 0, "maximum": 9},
        "mode": {"type": ["string", "null"], "enum": ["fast", None], "default": None},
        "tags": {"type": "array", "items": {"type": "string"}, "default": [], "minItems": 1, "x-own": {"a": 1}},
    },
    "required": ["url"],
}
WORDS = "At 08:00, Monday through Friday (Europe/Berlin)"
SPEC = "description: Walk a site\nqueue:\n  priority: 2\n"


def waiting(*names: str, **more: Any) -> list[RunSummary]:
    """Runs that wait: the first has waited longest, and has the highest priority."""
    return [
        run(
            JOB,
            name,
            RunState.QUEUED,
            started=None,
            position=place,
            submitted=ago(LONG - place),
            **{"priority": 8 - place, **more},
        )
        for place, name in enumerate(names, 1)
    ]


def ended(count: int, job: str = JOB) -> list[RunSummary]:
    """Runs of all states that a run can end with, the newest first; the durations are 10 s, 20 s, …"""
    return [
        run(
            job,
            f"manual__{number}",
            STATES[number % 5],
            started=ago(3600 * (number + 1)),
            ended=ago(3600 * (number + 1)) + timedelta(seconds=10 * (number + 1)),
            reason=Why(code="failed", text=f"reason {number}") if number % 5 else None,
            failed=number % 5,
        )
        for number in range(count)
    ]


def job(**more: Any) -> Job:
    """A job with an active run, three that wait and a schedule."""
    summary = documents.job(JOB, queued=3, holder=Holder(run="manual__active", since=ago(LONG), submitter="carol"))
    given = {
        **{name: getattr(summary, name) for name in type(summary).model_fields},
        "description": "Walk a site and measure every page.",
        "last": ended(10),
        "params": PARAMS,
        "spec": {"schedule": {"jitter": "5m"}},
        "spec_text": SPEC,
        "schedule": "0 8 * * mon-fri",
        "schedule_description": WORDS,
        "upcoming": [ago(-LONG - 86_400 * day) for day in range(5)],
        "queue": waiting(FIRST, SECOND, THIRD),
        **more,
    }
    return Job(**given)


def serve(ui: Any, shown: Job | None = None, runs: list[RunSummary] | None = None) -> None:
    """Let the server answer with a job and its ended runs."""
    ui.get(PATH, (shown or job()).model_dump(mode="json"))
    ui.get(f"{PATH}/runs", Runs(runs=ended(12) if runs is None else runs, next=None).model_dump(mode="json"))
