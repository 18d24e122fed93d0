"""A run that completes on a real Postgres while another scheduler creates the run of the job that waits for it.

No process of Airflow runs. The other scheduler is a thread that removes the waiting event as Airflow does, and commits
late: it creates runs of several DAGs in one transaction. Prints the events and the waiting ones as JSON.
"""

import json
import sys
import threading
import time
from datetime import UTC, datetime

from airflow.models import import_all_models
from airflow.models.asset import AssetActive, AssetDagRunQueue, AssetEvent, AssetModel, DagScheduleAssetReference
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.sqlalchemy import with_row_locks
from sqlalchemy import delete, func, select

from airflow_mcp_provider.plugin.schedules.completed import completed
from airflow_mcp_provider.spec.job_asset import name_and_uri

import_all_models()
SECONDS = float(sys.argv[1])
removed = threading.Event()


def make() -> None:
    """Two jobs, the second of which waits for the first, and two completed runs."""
    limits = {"max_active_tasks": 16, "max_active_runs": 1, "max_consecutive_failed_dag_runs": 0}
    names = {"bundle_name": "b", "is_paused": False, "is_stale": False, "has_task_concurrency_limits": False}
    name, uri = name_and_uri("first")
    with create_session(scoped=False) as session:
        session.add(DagBundleModel(name="b"))
        session.flush()
        session.add_all(DagModel(dag_id=job, **names, **limits) for job in ("first", "next"))
        asset = AssetModel(name=name, uri=uri, group="asset", extra={})
        session.add(asset)
        session.flush()
        session.add_all([AssetActive.for_asset(asset), DagScheduleAssetReference(asset_id=asset.id, dag_id="next")])
        for number in (1, 2):
            run = DagRun(dag_id="first", run_id=f"r{number}", run_type="manual", run_after=datetime.now(UTC), conf={})
            run._state = "success"
            session.add(run)


def complete(run_id: str) -> None:
    with create_session(scoped=False) as session:
        completed(session.scalars(select(DagRun).where(DagRun.run_id == run_id)).one(), "success")


def create_next() -> None:
    """What a scheduler does with the event when it creates the run."""
    with create_session(scoped=False) as session:
        waiting = select(AssetDagRunQueue).where(AssetDagRunQueue.target_dag_id == "next")
        session.scalars(with_row_locks(waiting, session, of=AssetDagRunQueue, skip_locked=True)).all()
        session.execute(delete(AssetDagRunQueue).where(AssetDagRunQueue.target_dag_id == "next"))
        removed.set()
        time.sleep(SECONDS)


make()
complete("r1")
other = threading.Thread(target=create_next)
other.start()
removed.wait()
complete("r2")
other.join()
with create_session(scoped=False) as session:
    counts = [session.scalar(select(func.count()).select_from(table)) for table in (AssetEvent, AssetDagRunQueue)]
print(json.dumps(counts))  # noqa: T201 - the output of this script
