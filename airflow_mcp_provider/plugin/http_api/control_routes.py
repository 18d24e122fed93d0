"""Routes of ``/job-control/v1`` that change a run or a job.

Each needs Airflow's permission for the runs of the DAG (``requires_access_dag`` reads the path parameter ``dag_id``).
They are coroutines: while a request waits for the scheduler's lock it has no thread and no connection. For the question
of the permission it needs both, and so a place among the other requests, which it gives back then.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends

from airflow_mcp_provider.client.models import Cancel, Cancelled, Retried, Retry, SetParallelism, SetPriority
from airflow_mcp_provider.plugin.control import cancel, change, retry
from airflow_mcp_provider.plugin.control.airflow_internals import DagAccessEntity, GetUserDep, requires_access_dag
from airflow_mcp_provider.plugin.http_api import examples
from airflow_mcp_provider.plugin.http_api.access import JobId, RunId
from airflow_mcp_provider.plugin.http_api.audit import audited
from airflow_mcp_provider.plugin.http_api.checks import check_texts
from airflow_mcp_provider.plugin.http_api.places import begun

router = APIRouter(tags=["control"])
RUN = "/jobs/{dag_id}/runs/{run}"
AUDITED = Depends(audited, scope="function")
CHANGES_RUN = [Depends(requires_access_dag("PUT", DagAccessEntity.RUN)), Depends(begun), AUDITED]
REMOVES_RUN = [Depends(requires_access_dag("DELETE", DagAccessEntity.RUN)), Depends(begun), AUDITED]
CHANGES_JOB = [Depends(requires_access_dag("PUT")), Depends(begun), AUDITED]
NOTHING = HTTPStatus.NO_CONTENT
UNKNOWN = examples.errors(404)
NOT_QUEUED = examples.conflict(
    "not_queued", "run nightly of job inventory is running; only a queued run has a priority"
)
ENDED = examples.conflict("ended", "run nightly of job inventory has ended")
NOT_ENDED = examples.conflict("not_ended", "run nightly of job inventory has not ended; cancel it first")


@router.post(RUN + "/cancel", dependencies=CHANGES_RUN, responses=UNKNOWN)
async def cancel_run(
    dag_id: JobId, run: RunId, user: GetUserDep, body: Annotated[Cancel, Body(default_factory=Cancel)]
) -> Cancelled:
    """Cancel a run. No task of it starts after the answer; for a run that has ended nothing is changed."""
    check_texts(body)
    return await cancel.cancel(dag_id, run, body, user.get_name())


@router.post(RUN + "/retry", dependencies=CHANGES_RUN, responses=NOT_ENDED)
async def retry_run(dag_id: JobId, run: RunId, body: Annotated[Retry, Body(default_factory=Retry)]) -> Retried:
    """Run again what failed or was skipped in an ended run, or the subtasks with the given keys."""
    check_texts(body)
    return await retry.retry(dag_id, run, body)


@router.post(RUN + "/priority", dependencies=CHANGES_RUN, status_code=NOTHING, responses=NOT_QUEUED)
async def set_priority(dag_id: JobId, run: RunId, body: SetPriority) -> None:
    """Change the priority of a queued run."""
    await change.set_priority(dag_id, run, body.priority)


@router.post(RUN + "/parallelism", dependencies=CHANGES_RUN, status_code=NOTHING, responses=ENDED)
async def set_parallelism(dag_id: JobId, run: RunId, body: SetParallelism) -> None:
    """Change how many tasks of an active run may run at the same time."""
    await change.set_parallelism(dag_id, run, body.parallelism)


@router.delete(RUN, dependencies=REMOVES_RUN, status_code=NOTHING, responses=NOT_ENDED)
async def delete_run(dag_id: JobId, run: RunId) -> None:
    """Delete an ended run."""
    await change.remove(dag_id, run)


@router.post("/jobs/{dag_id}/pause", dependencies=CHANGES_JOB, status_code=NOTHING, responses=UNKNOWN)
async def pause_job(dag_id: JobId) -> None:
    """Pause a job: no run and no task of it starts until it is resumed."""
    await change.set_paused(dag_id, paused=True)


@router.post("/jobs/{dag_id}/resume", dependencies=CHANGES_JOB, status_code=NOTHING, responses=UNKNOWN)
async def resume_job(dag_id: JobId) -> None:
    """Resume a paused job."""
    await change.set_paused(dag_id, paused=False)
