"""Who may call a route: the permissions are those of Airflow's own REST API for the same things.

Each route has one of these dependencies; tests/unit/plugin/http_api/test_routes.py looks that it has. The path
parameter with the job's id has to be named ``dag_id``: Airflow's dependency reads it from there.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Path, Request

from airflow_mcp_provider.plugin.http_api.airflow_internals import (
    DagAccessEntity,
    GetUserDep,
    may_read,
    may_read_errors,
    requires_access_dag,
)
from airflow_mcp_provider.plugin.http_api.problems import ApiError

JSON = "application/json"
JobId = Annotated[str, Path(alias="dag_id", description="The id of a job, which is its DAG's id.", max_length=250)]
RunId = Annotated[str, Path(description="The id of a run.", max_length=250)]

read_jobs = Depends(requires_access_dag(method="GET"))
read_runs = Depends(requires_access_dag(method="GET", access_entity=DagAccessEntity.RUN))
submit_runs = Depends(requires_access_dag(method="POST", access_entity=DagAccessEntity.RUN))
read_subtasks = Depends(requires_access_dag(method="GET", access_entity=DagAccessEntity.TASK_INSTANCE))
read_logs = Depends(requires_access_dag(method="GET", access_entity=DagAccessEntity.TASK_LOGS))


def _reads_results(dag_id: JobId, user: GetUserDep) -> bool:
    return may_read(user, dag_id, DagAccessEntity.XCOM)


def _reads_runs(dag_id: JobId, user: GetUserDep) -> bool:
    return may_read(user, dag_id, DagAccessEntity.RUN)


def _reads_errors(user: GetUserDep) -> bool:
    return may_read_errors(user)


ReadsResults = Annotated[bool, Depends(_reads_results)]
"""Whether the user may see what a run's report has returned or raised: it is an XCom."""
ReadsRuns = Annotated[bool, Depends(_reads_runs)]
"""Whether the user may see the document of a run: not each user who may submit runs may."""
ReadsErrors = Annotated[bool, Depends(_reads_errors)]
"""Whether the user may see import errors: their traces have parts of files that several jobs may share."""


async def no_form(request: Request) -> None:
    """Raise ApiError for a POST that a form on a page of another origin can send with the cookie of a user.

    The cookie goes with it where that page is of the same site: another port or another subdomain. A form can set no
    header, and has no type of JSON; for a request that has one of these a browser asks the server first.
    """
    if request.method != "POST" or "authorization" in request.headers:
        return
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != JSON:
        text = f"Content-Type {given[:200]!r} without the header Authorization; expected {JSON}, also without a body"
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text)
