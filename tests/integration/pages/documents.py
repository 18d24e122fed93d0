"""Documents of the HTTP API, as a server gives them: made with the models of the client, so that they stay true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow_mcp_provider.client.models import Holder, Jobs, JobSummary, RunState, RunSummary

LONG = timedelta(days=2, hours=5, minutes=30).total_seconds()
"""Seconds: "2d 5h" on a page, also half an hour later."""
STATES = [RunState.COMPLETED, RunState.PARTIAL, RunState.ERROR, RunState.TIMEOUT, RunState.CANCELLED]


def ago(seconds: float) -> datetime:
    """From the moment of the call: a row says how long ago it is."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=seconds)


def run(job: str, name: str, state: RunState = RunState.COMPLETED, **more) -> RunSummary:
    start = more.pop("started", ago(600))
    end = more.pop("ended", start + timedelta(seconds=42) if state.done else None)
    given = {"position": None, "submitter": "anna", "submitted": ago(700), "priority": 0, **more}
    return RunSummary(job=job, run=name, state=state, done=state.done, started=start, ended=end, **given)


def job(name: str, **more) -> JobSummary:
    given = {
        "description": f"What {name} does.",
        "tags": [],
        "paused": False,
        "queued": 0,
        "holder": None,
        "next_run": None,
        "error": None,
        "last": [run(name, f"manual__{number}", STATES[number % 5]) for number in range(10)],
        **more,
    }
    return JobSummary(job=name, **given)


def running(name: str, **more) -> JobSummary:
    """A job with an active run that began long ago, and two that wait."""
    active = run(name, "manual__active", RunState.RUNNING, started=ago(LONG))
    holder = Holder(run=active.run, since=active.started, submitter="anna")
    return job(name, **{"queued": 2, "holder": holder, "last": [active, run(name, "manual__old")], **more})


def paged(jobs: list[JobSummary]):
    """Answer `GET /jobs` as the server does: search, tag, active, paused, cursor, limit."""

    def answer(request):
        query = {name: values[0] for name, values in request.query.items()}
        found = [one for one in jobs if _wanted(one, query) and one.job > query.get("cursor", "")]
        limit = int(query.get("limit", 50))
        more = found[limit - 1].job if len(found) > limit else None
        return Jobs(jobs=found[:limit], next=more).model_dump(mode="json")

    return answer


def serve(ui, jobs: list[JobSummary]) -> None:
    """Answer the requests of the page Jobs."""
    ui.get("jobs", paged(jobs))
    ui.get("tags", {"tags": sorted({tag for one in jobs for tag in one.tags})})


def _wanted(one: JobSummary, query: dict[str, str]) -> bool:
    if query.get("tag") not in {None, *one.tags}:
        return False
    if query.get("active") == "true" and not (one.holder or one.queued):
        return False
    if query.get("paused") == "true" and not one.paused:
        return False
    return query.get("search", "").lower() in f"{one.job} {one.description}".lower()
