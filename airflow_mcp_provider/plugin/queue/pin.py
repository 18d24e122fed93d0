"""A run keeps the version of its DAG from its start to its end.

Airflow does so for the runs of a versioned bundle. In a folder without versions it moves active runs to each new
version of their DAG: after an edit a run would have tasks of two specs, without those that the new spec does not name.
So such a run gets the name of its spec's version (``spec.version``) as that of its bundle, which Airflow looks at.

Only in a local folder: a runner passes the name to its bundle, and those of S3 and GCS refuse each version.

Called in the scheduler for a run that starts, in the transaction that starts it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, object_session

from airflow_mcp_provider.constants import SPEC_KEY
from airflow_mcp_provider.plugin.db.identity import of_run
from airflow_mcp_provider.plugin.db.locks import savepoint
from airflow_mcp_provider.plugin.db.tables import DagRun, TaskInstance
from airflow_mcp_provider.plugin.queue.airflow_internals import UNFINISHED, DagModel, DagVersion, dag_bag, is_local
from airflow_mcp_provider.spec import version


def pin(run: DagRun, lock_timeout: float) -> None:
    """Let a run that starts keep the newest version of its DAG; a run that was cleared only if the tasks are the same.

    ``lock_timeout``: seconds.
    """
    session = object_session(run)
    if session is None or not (run.bundle_version or version.PREFIX).startswith(version.PREFIX):
        return
    query = select(DagModel.bundle_name, DagModel.bundle_version).where(DagModel.dag_id == run.dag_id)
    with savepoint(session, lock_timeout):
        found = session.execute(query).first()
        if found is not None and found.bundle_version is None and is_local(found.bundle_name):
            _pin(session, run)
        else:
            run.bundle_version = None  # the job may have been in a local folder when this run started first


def _pin(session: Session, run: DagRun) -> None:
    if (latest := DagVersion.get_latest_version(run.dag_id, session=session)) is None:
        return
    if run.dag is None or latest.id != run.created_dag_version_id:
        run.dag = _moved(session, run, latest.id)
    text = None if run.dag is None else run.dag.default_args.get(SPEC_KEY)
    run.bundle_version = None if text is None else version.name(text)


def _moved(session: Session, run: DagRun, number: UUID) -> Any:  # noqa: ANN401 - a SerializedDAG
    """Move a run to the newest version of its DAG, and return the version that it has then."""
    if (newest := dag_bag().get_dag(number, session=session)) is None:
        return None
    instances = of_run(TaskInstance, run)
    begun = session.scalar(select(TaskInstance.id).where(*instances, TaskInstance.state.is_not(None)).limit(1))
    if (
        begun is not None
        and (own := _of_its_own(session, run)) is not None
        and set(own.task_dict) != set(newest.task_dict)
    ):
        return own
    if begun is None:
        session.execute(delete(TaskInstance).where(*instances, TaskInstance.task_id.not_in(newest.task_dict)))
    unfinished = TaskInstance.state.is_(None) | TaskInstance.state.in_(UNFINISHED)
    session.execute(update(TaskInstance).where(*instances, unfinished).values(dag_version_id=number))
    session.expire(run, ["task_instances"])
    run.dag, run.created_dag_version_id = newest, number
    run.verify_integrity(dag_version_id=number, session=session)
    return newest


def _of_its_own(session: Session, run: DagRun) -> Any:  # noqa: ANN401 - a SerializedDAG
    own = run.created_dag_version_id
    return None if own is None else dag_bag().get_dag(own, session=session)
