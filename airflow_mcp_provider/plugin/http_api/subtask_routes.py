"""Routes of subtasks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from airflow_mcp_provider.client.models import Subtask, Subtasks, SubtaskState
from airflow_mcp_provider.plugin.http_api import examples
from airflow_mcp_provider.plugin.http_api.access import JobId, RunId, read_subtasks
from airflow_mcp_provider.plugin.http_api.airflow_internals import SessionDep
from airflow_mcp_provider.plugin.http_api.problems import not_found
from airflow_mcp_provider.plugin.http_api.run_routes import Cursor, Limit
from airflow_mcp_provider.plugin.http_api.subtask_paths import SubtaskKey
from airflow_mcp_provider.plugin.status import run_rows, subtask_documents
from airflow_mcp_provider.plugin.status.run_rows import RunRow
from airflow_mcp_provider.plugin.status.subtask_rows import Wanted
from airflow_mcp_provider.runtime.size_limits import MAX_KEY_CHARS

router = APIRouter(tags=["subtasks"])
Given = BeforeValidator(lambda text: text or None)
"""An empty value, as a form in a browser sends it, does not filter. Last: a limit of the length does not fit None."""
Step = Annotated[str | None, Query(description="Only this step.", max_length=250), Given]
State = Annotated[SubtaskState | None, Query(description="Only subtasks in this state."), Given]
Parent = Annotated[
    str | None,
    Query(
        description="Only those that the subtask with this key enqueued, and itself in later steps; with an empty value"
        " those that plan enqueued. Only with this filter subtasks have ``children``.",
        max_length=MAX_KEY_CHARS,
    ),
]
Text = Annotated[str | None, Query(description="A part of the key or the payload.", max_length=200), Given]


@router.get("/jobs/{dag_id}/runs/{run}/subtasks", dependencies=[read_subtasks], responses=examples.errors(404))
def list_subtasks(  # noqa: PLR0913, PLR0917 - the parts of a request
    dag_id: JobId,
    run: RunId,
    session: SessionDep,
    state: State = None,
    step: Step = None,
    parent: Parent = None,
    text: Text = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Subtasks:
    """List the subtasks of a run, step by step, in the order in which they were enqueued.

    A page may have fewer subtasks than ``limit``, or none, and still a next one.
    """
    wanted = Wanted(state, parent, text)
    return subtask_documents.page(session, found_run(session, dag_id, run), wanted, step, cursor, limit)


@router.get(
    "/jobs/{dag_id}/runs/{run}/subtasks/{key:path}", dependencies=[read_subtasks], responses=examples.errors(404)
)
def read_subtask(dag_id: JobId, run: RunId, key: SubtaskKey, session: SessionDep, step: Step = None) -> Subtask:
    """Read a subtask with its attempts, in a step or in the last one that it reached."""
    found = subtask_documents.one(session, found_run(session, dag_id, run), key, step)
    if found is None:
        raise not_found(f"subtask {key[:200]!r} of the run {run}")
    return found


def found_run(session: Session, dag_id: str, run: str) -> RunRow:
    """Return a run; raises ApiError if it does not exist."""
    if (found := run_rows.one(session, dag_id, run)) is None:
        raise not_found(f"run {run} of the job {dag_id}")
    return found
