"""What of Airflow's API server growth touches that is no public API, in one place; the rest is in ``plugin.db.tables``.

tests/unit/test_airflow_contract.py names each: a change of Airflow fails there, not in a user's run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from airflow._shared.observability.traces import new_task_run_carrier
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.models.taskmap import TaskMap
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from airflow.settings import task_instance_mutation_hook
from airflow.state.metastore import MetastoreBackend
from airflow.state.metastore import _async_session as async_session
from airflow.utils.sqlalchemy import with_row_locks
from airflow.utils.state import TaskInstanceState
from fastapi import HTTPException
from sqlalchemy import Select, update
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.db.dags import dag_bag
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.runtime.store_keys import MALFORMED

__all__ = [
    "LABEL",
    "MetastoreBackend",
    "SerializedDagModel",
    "TaskMap",
    "add_instances",
    "as_new",
    "async_session",
    "busy",
    "expand_again",
    "forbidden",
    "locked",
    "malformed",
    "map_over_nothing",
    "refusal",
    "task_ids",
]


EXPANDED_TO_NOTHING = (TaskInstanceState.SKIPPED, TaskInstanceState.UPSTREAM_FAILED, TaskInstanceState.REMOVED)
LABEL = TaskInstance._rendered_map_index  # noqa: SLF001 - the column behind the label of a mapped instance


def refusal(message: str, reason: str = "conflict") -> HTTPException:
    """Return what makes the Execution API undo a request and answer it with 409, which a runner does not try again."""
    return HTTPException(HTTPStatus.CONFLICT, detail={"reason": reason, "message": message})


def malformed(reason: str) -> Exception:
    """Return what makes the Execution API undo a request and answer it with 422, as a body of a wrong form."""
    return HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail={"reason": MALFORMED, "message": reason})


def forbidden(reason: str) -> Exception:
    """Return what makes both APIs of Airflow undo a request and answer it with 403."""
    return HTTPException(HTTPStatus.FORBIDDEN, detail={"reason": "forbidden", "message": reason})


def busy() -> Exception:
    """Return what makes the Execution API undo a request and answer it with 503: a runner tries again."""
    return HTTPException(
        HTTPStatus.SERVICE_UNAVAILABLE, detail="a row of the run is locked; the same request again is right"
    )


def locked(query: Select[Any], session: Session, *, wait: bool) -> Select[Any]:
    """Lock DagRun rows as the scheduler does, so that we and it exclude each other."""
    return with_row_locks(query, session, of=DagRun, skip_locked=not wait)


def task_ids(session: Session, run: RunRef) -> set[str]:
    """Return the ids of the tasks in the version of the DAG that a run has."""
    dag = dag_bag().get_dag_for_run(session.get_one(DagRun, run.id), session=session)
    return set() if dag is None else set(dag.task_dict)


def add_instances(session: Session, run: DagRun, task_id: str, version: UUID | None, labels: dict[int, str]) -> None:
    """Insert a task instance of ``task_id`` for each map index of ``labels``, as the scheduler would, in one go."""
    dag = dag_bag().get_dag_for_run(run, session=session)
    task = dag.get_task(task_id)
    instances = [TaskInstance(task, run_id=run.run_id, map_index=index, dag_version_id=version) for index in labels]
    for instance in instances:
        task_instance_mutation_hook(instance, dag_run=run)
        instance.context_carrier = new_task_run_carrier(run.context_carrier)  # type: ignore[no-untyped-call]
        instance._rendered_map_index = labels[instance.map_index]  # noqa: SLF001 - the column behind the label
    session.add_all(instances)
    session.flush()


def as_new(session: Session, instances: Sequence[TaskInstance] | Iterable[TaskInstance]) -> int:
    """Give task instances back to the scheduler as if they had never run; their run keeps its state."""
    cleared = list(instances)
    if cleared:
        clear_task_instances(cleared, session, dag_run_state=False)
        session.flush()
    return len(cleared)


def map_over_nothing(session: Session, dag_id: str, run_id: str, list_task: str, task_id: str) -> None:
    """Let ``task_id`` be mapped over a list of ``list_task`` that is empty yet; instances of before are no more.

    The list that a runner reads has one entry: Airflow takes any index of it modulo its length.
    """
    names: dict[str, Any] = {"dag_id": dag_id, "run_id": run_id}
    XComModel.set(XCOM_RETURN_KEY, [0], task_id=list_task, map_index=-1, session=session, **names)
    session.merge(TaskMap(**names, task_id=list_task, map_index=-1, length=0, keys=None))
    session.execute(
        update(TaskInstance)
        .filter_by(**names, task_id=task_id)
        .where(TaskInstance.map_index >= 0, TaskInstance.state.is_(None))
        .values(state=TaskInstanceState.REMOVED)
        .execution_options(synchronize_session=False)
    )


def expand_again(session: Session, dag_id: str, run_id: str, task_id: str) -> None:
    """Let the scheduler expand a mapped task that it has found empty."""
    session.execute(
        update(TaskInstance)
        .filter_by(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=-1)
        .where(TaskInstance.state.in_(EXPANDED_TO_NOTHING))
        .values(state=None, start_date=None, end_date=None, duration=None)
        .execution_options(synchronize_session=False)
    )
