"""What a document of a run costs with 10,000 subtasks, over HTTP, while the run changes.

The rows are those of a real run, written by SQL: no scheduler works, so that what is timed is the API server.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.embedded.airflow import USER, Embedded

DAGS = Path(__file__).parent / "dags"
JOB = "fan"
SUBTASKS, TIMES, BATCH = 10_000, 100, 50


def measure(subtasks: int = SUBTASKS, times: int = TIMES) -> list[tuple[str, str, str]]:
    """Return rows of (what, figure, remark)."""
    with Embedded(dags=DAGS, schedulers=0) as airflow:
        airflow.api.wait_for_dag(JOB)
        runs = {
            f"{subtasks} subtasks": of_many(airflow, subtasks),
            f"in batches of {BATCH}": _batched(airflow, subtasks),
        }
        with client_of(airflow, f"{PREFIX}/jobs/{JOB}") as client:
            return [row for what, run in runs.items() for row in _timed(airflow, client, what, run, times)]


def client_of(airflow: Embedded, path: str = "") -> httpx.Client:
    body = {"username": USER, "password": airflow.password}
    token = httpx.post(f"{airflow.url}/auth/token", json=body).raise_for_status().json()["access_token"]
    return httpx.Client(base_url=f"{airflow.url}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def _timed(airflow: Embedded, client: httpx.Client, what: str, run: str, times: int) -> Iterator[tuple[str, str, str]]:
    paths = {
        "document": f"/runs/{run}",
        "page of subtasks": f"/runs/{run}/subtasks",
        "failed ones": f"/runs/{run}/subtasks?state=failed",
        "roots of the tree": f"/runs/{run}/subtasks?parent=",
        "children of one": f"/runs/{run}/subtasks?parent=https://example.org/page/5",
        "text of one": f"/runs/{run}/subtasks?text=page/{SUBTASKS - 1}",
    }
    with working(airflow, run):
        for name, path in paths.items():
            median, p95 = timed(client, path, times)
            yield f"{name}, {what}", f"{p95:.0f} ms", f"p95; median {median:.0f} ms"


def timed(client: httpx.Client, path: str, times: int) -> tuple[float, float]:
    """Return the median and the p95 of some requests, in milliseconds; a first one is not counted."""
    client.get(path).raise_for_status()
    took = sorted(_once(client, path) for _ in range(times))
    return statistics.median(took), took[int(times * 0.95) - 1]


def _once(client: httpx.Client, path: str) -> float:
    begin = time.perf_counter()
    client.get(path).raise_for_status()
    return (time.perf_counter() - begin) * 1000


@contextmanager
def working(airflow: Embedded, run: str) -> Iterator[None]:
    """Let subtasks end and begin, twenty a second."""
    ended = threading.Event()

    def work() -> None:
        index = 0
        while not ended.wait(0.05):
            index += 1
            airflow.sql(
                "UPDATE task_instance SET state = CASE state WHEN 'running' THEN 'success' ELSE 'running' END, end_date = now() "
                "WHERE run_id = %s AND task_id = 'run' AND map_index = %s",
                run,
                index % 100,
            )

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()


def of_many(airflow: Embedded, subtasks: int, job: str = JOB) -> str:
    """Make a run of a job with as many subtasks; the job is paused, or no scheduler works."""
    run = _begun(airflow, "plain", {"limit": subtasks, "depth": 5}, subtasks, job)
    _instances(
        airflow,
        run,
        subtasks,
        "CASE WHEN n % 50 = 7 THEN 'failed' WHEN n < 7000 THEN 'success' WHEN n < 7100 THEN 'running' END",
    )
    _rows(
        airflow,
        run,
        "mcp.outcome",
        """json_build_object('attempt', 1, 'result', json_build_object('n', n))::text""",
        subtasks * 7 // 10,
    )
    _rows(airflow, run, "progress", """json_build_object('fraction', 0.5, 'message', 'half')::text""", subtasks)
    analyze(airflow)
    return run


def _batched(airflow: Embedded, subtasks: int) -> str:
    run = _begun(airflow, "batched", {"limit": subtasks, "depth": 5, "batch": BATCH}, subtasks)
    _instances(airflow, run, subtasks // BATCH, "CASE WHEN n < 140 THEN 'success' WHEN n < 150 THEN 'running' END")
    turn = "json_build_object('status', CASE WHEN i = 7 THEN 'failed' ELSE 'success' END, 'attempts', 1, 'spent', 0)"
    turns = f"(SELECT json_object_agg(n * {BATCH} + i, {turn}) FROM generate_series(0, {BATCH - 1}) i)"  # noqa: S608 - of this file
    _rows(airflow, run, "mcp.batch", f"json_build_object('life', 2, 'turns', {turns})::text", 145)
    analyze(airflow)
    return run


def _begun(airflow: Embedded, name: str, step: dict[str, Any], subtasks: int, job: str = JOB) -> str:
    """Make a run that is running, with the rows of its subtasks."""
    run = airflow.api.trigger(job, {}, dag_run_id=name)
    airflow.sql("UPDATE dag_run SET state = 'running', start_date = now() - interval '1 hour' WHERE run_id = %s", run)
    airflow.sql("UPDATE task_instance SET state = 'success' WHERE run_id = %s AND task_id = 'plan'", run)
    state = {"tolerate": "5%", "subtasks": subtasks, "steps": [{"name": "run", "reserved": subtasks, **step}]}
    airflow.sql(
        "INSERT INTO task_state_store (dag_run_id, task_id, map_index, key, dag_id, run_id, value, updated_at) "
        "SELECT id, 'plan', -1, 'mcp.run', dag_id, run_id, %s, now() FROM dag_run WHERE run_id = %s",
        json.dumps(state),
        run,
    )
    # As json.dumps writes it.
    page = "https://example.org/page/"
    parent = f"""CASE WHEN n > 10 THEN '"{page}' || (n / 10) || '"' ELSE 'null' END"""
    item = f"""'{{"key": "{page}' || n || '", "payload": {{"url": "{page}' || n || '"}}, "parent": ' || {parent} || ', "depth": 1}}'"""
    _rows(airflow, run, "mcp.item", item, subtasks)
    airflow.sql(
        "INSERT INTO task_state_store (dag_run_id, task_id, map_index, key, dag_id, run_id, value, updated_at) "
        "SELECT id, 'plan', -1, 'mcp.key.https://example.org/page/' || n, dag_id, run_id, json_build_object('run', n)::text, now() "
        "FROM dag_run, generate_series(0, %s) n WHERE run_id = %s",
        subtasks - 1,
        run,
    )
    return run


def _rows(airflow: Embedded, run: str, key: str, value: str, count: int) -> None:
    """Write a row for each of the first map indexes; ``value`` is SQL with the map index as ``n``."""
    airflow.sql(
        "INSERT INTO task_state_store (dag_run_id, task_id, map_index, key, dag_id, run_id, value, updated_at) "  # noqa: S608 - of this file
        f"SELECT id, 'run', n, %s, dag_id, run_id, {value.replace('%', '%%')}, now() FROM dag_run, generate_series(0, %s) n WHERE run_id = %s",
        key,
        count - 1,
        run,
    )


def _instances(airflow: Embedded, run: str, count: int, state: str) -> None:
    """Write task instances of ``run``, made of that of the report; ``state`` is SQL with the map index as ``n``."""
    airflow.sql(
        "INSERT INTO task_instance SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'task_id', 'run', "  # noqa: S608 - of this file
        f"'map_index', n, 'state', {state.replace('%', '%%')}, 'try_number', 1, 'max_tries', 2, "
        "'start_date', now() - interval '30 minutes', 'end_date', CASE WHEN n < 7000 THEN now() END, "
        "'rendered_map_index', 'page ' || n))).* "
        "FROM task_instance t, generate_series(0, %s) n WHERE t.run_id = %s AND t.task_id = 'report'",
        count - 1,
        run,
    )


def analyze(airflow: Embedded) -> None:
    for table in ("task_instance", "task_state_store", "dag_run"):
        airflow.sql(f"ANALYZE {table}")
