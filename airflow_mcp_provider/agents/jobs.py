"""The tools that read jobs: ``list_jobs`` and ``describe_job``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_mcp_provider.agents import arguments
from airflow_mcp_provider.agents.api import Api
from airflow_mcp_provider.agents.results import (
    MOST_BYTES,
    JobDescription,
    JobEntry,
    JobList,
    JobListTexts,
    JobTexts,
    RunEntry,
)
from airflow_mcp_provider.agents.shorten import cut, dumped, first, size, without_trace
from airflow_mcp_provider.client import calls
from airflow_mcp_provider.client.models import PREFIX, Job, JobSummary, RunSummary
from airflow_mcp_provider.client.run_names import RunName
from airflow_mcp_provider.errors import NotFound

PAGE = 30
ROOM = MOST_BYTES - 1_000
"""For the entries of a list; the rest is for the other fields."""
DESCRIPTION_BYTES, ERROR_BYTES, TAGS_BYTES = 600, 800, 300
LISTED_BYTES = 120
RUNS = 5
LONG_ENUM = 20
SHORT_BYTES = 80


async def list_jobs(api: Api, given: arguments.ListJobs) -> JobList:
    """List the jobs that the user may see, by id."""
    found = await api.send(calls.jobs(search=given.search, tag=given.tag, page=PAGE)(given.cursor))
    shown = [found.items[number] for number, _ in enumerate(first(map(_sized, found.items), ROOM))]
    more = found.next if len(shown) == len(found.items) else shown[-1].job
    return JobList(
        jobs=[_entry(job) for job in shown],
        next=more,
        from_job=JobListTexts(descriptions={job.job: text for job in shown if (text := _listed(job))}),
        left_out=[f"further jobs: call list_jobs with cursor {more!r}"] if more else [],
    )


def _sized(job: JobSummary) -> list[Any]:
    """Return what a job takes in the result."""
    return [_entry(job).model_dump(mode="json", exclude_none=True), job.job, _listed(job)]


def _listed(job: JobSummary) -> str:
    return cut((job.description or "").strip().partition("\n")[0], LISTED_BYTES)


def _entry(job: JobSummary) -> JobEntry:
    return JobEntry(
        job=job.job,
        paused=job.paused,
        queued=job.queued,
        active_run=_active(job),
        next_run=job.next_run,
        spec_error=job.error is not None,
    )


def _active(job: JobSummary) -> str | None:
    return None if job.holder is None else str(RunName(job.job, job.holder.run))


async def describe_job(api: Api, given: arguments.DescribeJob) -> JobDescription:
    """Read a job: the JSON Schema of its params, its queue, its latest runs."""
    job = await api.send(calls.job(given.job))
    texts = {} if given.param else _texts(job)
    latest = [] if given.param else _latest(job.last)
    params, left_out = _params(job, given.param, ROOM - size(texts) - 300 * len(latest))
    return JobDescription(
        job=job.job,
        paused=job.paused,
        queued=job.queued,
        active_run=_active(job),
        next_run=job.next_run,
        latest=latest,
        from_job=JobTexts(**texts, **params),
        left_out=left_out,
    )


def _texts(job: Job) -> dict[str, Any]:
    return {
        "description": cut(job.description, DESCRIPTION_BYTES) if job.description else None,
        "tags": first(job.tags, TAGS_BYTES),
        "spec_error": cut(without_trace(job.error), ERROR_BYTES) if job.error else None,
    }


def _latest(runs: Iterable[RunSummary]) -> list[RunEntry]:
    found = [RunEntry(run=str(RunName(run.job, run.run)), state=run.state, submitted=run.submitted) for run in runs]
    return found[:RUNS]


def _params(job: Job, only: str | None, room: int) -> tuple[dict[str, Any], list[str]]:
    """Return the schema of the params as far as it fits, and what was left out."""
    if only is not None:
        return _one_param(job, only, room)
    for schema in (job.params, {**job.params, "properties": _outlines(job)}):
        if size(schema) <= room:
            left_out = [] if schema is job.params else ["parts of params: call describe_job with the name of a param"]
            return {"params": schema}, left_out
    names: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in job.params.get("properties", {})]
    text = "all of params but names: call describe_job with the name of a param"
    return {"params": {"properties": dict(first(names, room - 200))}}, [text]


def _one_param(job: Job, name: str, room: int) -> tuple[dict[str, Any], list[str]]:
    known = job.params.get("properties", {})
    if name not in known:
        names = cut(", ".join(known), 500) or "none"
        text = f"unknown param {name!r:.80} of the job {job.job}; expected one of: {names}"
        raise NotFound(text, url=job.job, next_step="call describe_job without param")
    if size(known[name]) <= room:
        return {"params": {"properties": {name: known[name]}}}, []
    text = f"the end of the schema of {name!r:.80}: GET {PREFIX}/jobs/{job.job}"
    return {"params_text": cut(dumped(known[name]), room - 200)}, [text]


def _outlines(job: Job) -> dict[str, Any]:
    """Return the schema of each param without what is long."""
    return {name: _outline(schema) for name, schema in job.params.get("properties", {}).items()}


def _outline(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if size(value) <= SHORT_BYTES}
