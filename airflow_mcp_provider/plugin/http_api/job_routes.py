"""Routes of jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from airflow_mcp_provider.client.models import Job, Jobs, Tags
from airflow_mcp_provider.plugin.http_api import examples
from airflow_mcp_provider.plugin.http_api.access import JobId, ReadsErrors, read_jobs, read_runs
from airflow_mcp_provider.plugin.http_api.airflow_internals import GetUserDep, SessionDep, readable_jobs
from airflow_mcp_provider.plugin.http_api.problems import not_found
from airflow_mcp_provider.plugin.status import job_documents, job_rows
from airflow_mcp_provider.plugin.status.job_rows import Wanted

router = APIRouter(tags=["jobs"])
Text = Annotated[str | None, Query(description="A part of the id or of the description.", max_length=200)]


@router.get("/jobs", dependencies=[read_jobs, read_runs])
def list_jobs(  # noqa: PLR0913, PLR0917 - the parts of a request
    user: GetUserDep,
    session: SessionDep,
    may_see_errors: ReadsErrors,
    search: Text = None,
    tag: Annotated[str | None, Query(max_length=100)] = None,
    paused: bool | None = None,  # noqa: FBT001 - of a query
    active: Annotated[bool | None, Query(description="Only jobs with, or without, queued or running runs.")] = None,
    cursor: Annotated[str | None, Query(description="The field ``next`` of the page before.", max_length=250)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Jobs:
    """List the jobs that the user may see, by id, each with its queue and its latest runs."""
    wanted = Wanted(readable_jobs(user, session), search, tag, paused, active, cursor)
    return job_documents.page(session, wanted, limit, traces=may_see_errors)


@router.get("/tags", dependencies=[read_jobs])
def list_tags(user: GetUserDep, session: SessionDep) -> Tags:
    """List the tags of the jobs that the user may see, which the filter ``tag`` of jobs accepts."""
    return Tags(tags=job_rows.all_tags(session, Wanted(readable_jobs(user, session))))


@router.get("/jobs/{dag_id}", dependencies=[read_jobs, read_runs], responses=examples.errors(404))
def read_job(dag_id: JobId, session: SessionDep, may_see_errors: ReadsErrors) -> Job:
    """Read a job: its spec without secrets, the JSON Schema of its params, its queue, its latest runs."""
    if (found := job_documents.document(session, dag_id, traces=may_see_errors)) is None:
        raise not_found(f"job {dag_id}")
    return found
