"""A run on a real Postgres that is cancelled while runners enqueue and something locks as Airflow's scheduler does.

No process of Airflow runs: what a scheduler and four runners do is done by threads here, without a pause, and each in the order of
locks of the original. Prints what came of it as JSON.
"""

import asyncio
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from airflow.models import import_all_models
from airflow.models.dag import DagModel, DagTag
from airflow.models.dag_version import DagVersion
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskmap import TaskMap
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.state import TaskScope
from airflow.utils.session import create_session
from sqlalchemy import func, select, text

from airflow_mcp_provider.client.models import Cancel, Retry
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.control import cancel, retry
from airflow_mcp_provider.plugin.growth.airflow_internals import locked
from airflow_mcp_provider.plugin.growth.backend import GrowthBackend, materializer
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec import parse_job
from tests.sizes import patient

import_all_models()
SPEC = parse_job("plan: {items: [1]}\nrun: {shell: x}", id="crawl")
MADE = build_dag(SPEC)
FIRST, RUNNERS = 8, 4
LIMIT = 60.0
"""Seconds in which all that is waited for happens, on a machine that is not slow."""
BEFORE, AFTER = 3, 20
"""Loops of the scheduler before the cancel that had the run, and all loops after it."""
READY = "UPDATE task_instance SET state = 'scheduled' WHERE state IS NULL AND task_id = 'run'"
CHOSEN = (
    "SELECT id FROM task_instance WHERE state = 'scheduled' ORDER BY map_index DESC LIMIT 16 FOR UPDATE SKIP LOCKED"
)
QUEUED = "UPDATE task_instance SET state = 'queued' WHERE id = ANY(:ids)"
backend = GrowthBackend()
stop = threading.Event()
counts: Counter[str] = Counter()
errors: list[str] = []


def make() -> None:
    """A run that works: eight runners, and a report that waits for them."""
    with create_session(scoped=False) as session:
        session.add(DagBundleModel(name="b"))
        session.flush()
        limits = {"max_active_tasks": 16, "max_active_runs": 1, "max_consecutive_failed_dag_runs": 0}
        names = {"dag_id": "crawl", "bundle_name": "b", "is_paused": False, "is_stale": False}
        tags = [DagTag(name="mcp", dag_id="crawl")]
        session.add(DagModel(**names, **limits, has_task_concurrency_limits=False, tags=tags))
        session.flush()
        lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(MADE))
        SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
    dag = DagSerialization.from_dict(DagSerialization.to_dict(MADE))
    with create_session(scoped=False) as session:
        version = DagVersion.get_latest_version("crawl", session=session).id
        run = DagRun(dag_id="crawl", run_id="one", run_type="manual", run_after=datetime.now(UTC), conf={})
        run._state, run.created_dag_version_id = "running", version
        session.add(run)
        session.flush()
        for task, index in [("plan", -1), ("report", -1), *(("run", number) for number in range(FIRST))]:
            one = TaskInstance(dag.get_task(task), run_id="one", map_index=index, dag_version_id=version)
            one.state, one.try_number = None if task == "report" else "running", 1
            session.add(one)
    begin = {"tolerate": str(SPEC.subtasks.tolerate), "steps": MADE.task_dict["plan"].steps}
    enqueue("plan", -1, 0, [f"p{number}" for number in range(FIRST)], begin=begin)
    with create_session(scoped=False) as session:
        session.execute(text("UPDATE task_instance SET state = 'running' WHERE task_id = 'run'"))
        session.execute(text("UPDATE task_instance SET state = 'success' WHERE task_id = 'plan'"))
        session.merge(TaskMap(dag_id="crawl", run_id="one", task_id="plan", map_index=-1, length=FIRST, keys=None))


def enqueue(task: str, index: int, number: int, keys: list[str], **more: object) -> dict:
    scope = TaskScope(dag_id="crawl", run_id="one", task_id=task, map_index=index)
    body = {"call": f"{task}{index}.{number}", "children": [[key, {}] for key in keys], **more}
    with create_session(scoped=False) as session:
        backend.set(scope, store_keys.ENQUEUE, json.dumps(body), session=session)
        return json.loads(backend.get(scope, store_keys.ANSWER, session=session))


def runner(index: int) -> None:
    """Enqueue until it is refused."""
    number = 1
    while not stop.is_set():
        answer = enqueue("run", index, number, [f"{index}-{number}-{child}" for child in range(3)])
        if "refused" in answer:
            counts["refused"] += 1
            return
        counts["enqueued"] += 1
        number += 1


def scheduler() -> None:
    while not stop.is_set():
        with create_session(scoped=False) as session:
            running = select(DagRun).where(DagRun.dag_id == "crawl", DagRun._state == "running")
            found = session.scalars(locked(running, session, wait=False)).unique().one_or_none()
            if found is not None:
                counts["examined"] += 1
                time.sleep(0.05)
                session.execute(text(READY))
        with create_session(scoped=False) as session:  # the critical section has no lock of the run
            ids = session.scalars(text(CHOSEN)).all()
            time.sleep(0.02)
            session.execute(text(QUEUED), {"ids": list(ids)})
        counts["looked"] += 1


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + patient(LIMIT)
    while not condition() and not errors:
        if time.monotonic() > end:
            raise TimeoutError(f"it did not happen in time: {counts}")
        time.sleep(0.02)


def noted(work, *arguments) -> None:
    try:
        work(*arguments)
    except Exception as error:  # noqa: BLE001 - the test looks at it
        errors.append(f"{work.__name__}: {error!r:.300}")


def states() -> dict[str, int]:
    with create_session(scoped=False) as session:
        state = func.coalesce(TaskInstance.state, "none")
        return dict(session.execute(select(state, func.count()).group_by(state)).all())


def main() -> None:
    make()
    works = [(scheduler,), *((runner, index) for index in range(RUNNERS))]
    threads = [threading.Thread(target=noted, args=work) for work in works]
    for thread in threads:
        thread.start()
    until(lambda: counts["enqueued"] > 10 * RUNNERS and counts["examined"] > BEFORE)
    answer = asyncio.run(cancel.cancel("crawl", "one", Cancel(reason="race"), "ann"))
    at_once = states()
    until(lambda: not any(thread.is_alive() for thread in threads[1:]))
    looked = counts["looked"]
    until(lambda: counts["looked"] > looked + AFTER)
    stop.set()
    for thread in threads:
        thread.join()
    later = states()
    retried = asyncio.run(retry.retry("crawl", "one", Retry()))
    materializer().stop()
    found = {"cancelled": answer.model_dump(), "at_once": at_once, "later": later, "again": states()}
    sys.stdout.write(json.dumps({**found, "retried": retried.subtasks, "counts": counts, "errors": errors}) + "\n")


if __name__ == "__main__":
    main()
