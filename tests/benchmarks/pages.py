"""What the pages in Airflow's UI ask for at each poll, beside what Airflow's own pages ask for to show the same.

In one Airflow with 1,000 jobs of 10 runs each, and a run of 10,000 subtasks that changes meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
from status import DAGS, JOB, analyze, client_of, of_many, timed, working

from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.embedded.airflow import Embedded

JOBS, LATEST, SUBTASKS, TIMES = 1_000, 10, 10_000, 40
LARGE = 100_000
LIST, AIRFLOWS_LIST = f"{PREFIX}/jobs?limit=50", "/ui/dags?limit=50&dag_runs_limit=10"
RUN = f"{PREFIX}/jobs/{JOB}/runs/plain"
PAGE = "https://example.org/page"


def measure(count: int = JOBS, subtasks: int = SUBTASKS, times: int = TIMES) -> list[tuple[str, str, str]]:
    """Return rows of (what, figure, remark); figures are medians."""
    with Embedded(dags=DAGS, schedulers=0) as airflow:
        airflow.api.wait_for_dag(JOB)
        airflow.kill("dag-processor")  # it would remove jobs that no file has
        run = of_many(airflow, subtasks)
        _jobs(airflow, count, run)
        with client_of(airflow) as client:
            return [*_of_jobs(airflow, client, times), *_of_run(airflow, client, run, times)]


def _of_jobs(airflow: Embedded, client: httpx.Client, times: int) -> Iterator[tuple[str, str, str]]:
    yield _row("the first 50 jobs with their ten latest runs", client, times, LIST, AIRFLOWS_LIST)
    after, offset = f"{LIST}&cursor={JOB}_5", f"{AIRFLOWS_LIST}&offset=500"
    yield _row("50 jobs further below", client, times, after, offset)
    yield _row(
        "the jobs with a text in their ids", client, times, f"{LIST}&search=99", f"{AIRFLOWS_LIST}&dag_id_pattern=99"
    )
    _reports(airflow, LARGE)
    yield _row(f"the first 50 jobs, each run with a result of {LARGE:,} bytes", client, times, LIST, AIRFLOWS_LIST)


def _of_run(airflow: Embedded, client: httpx.Client, run: str, times: int) -> Iterator[tuple[str, str, str]]:
    grid, instances = f"/ui/grid/ti_summaries/{JOB}?run_ids={run}", f"/api/v2/dags/{JOB}/dagRuns/{run}/taskInstances"
    mapped = f"{instances}?task_id=run&limit=100&order_by=map_index"
    with working(airflow, run):
        yield _row("the progress of a run", client, times, RUN, grid)
        yield _row("the first 100 subtasks", client, times, f"{RUN}/subtasks?limit=100", mapped)
        failed = f"{RUN}/subtasks?limit=100&state=failed"
        yield _row("the first 100 that failed", client, times, failed, f"{mapped}&state=failed")
        for name, parent in (("roots", ""), ("children of one of the last", f"{PAGE}/{SUBTASKS // 10 - 1}")):
            yield _row(name, client, times, f"{RUN}/subtasks?limit=100&parent={parent}")
        yield _row("the job of the run", client, times, f"{PREFIX}/jobs/{JOB}", f"/api/v2/dags/{JOB}/details")


def _row(what: str, client: httpx.Client, times: int, path: str, beside: str | None = None) -> tuple[str, str, str]:
    ours, _ = timed(client, path, times)
    if beside is None:
        return what, f"{ours:.0f} ms", ""
    airflows, _ = timed(client, beside, times)
    return what, f"{ours:.0f} ms", f"Airflow's own {airflows:.0f} ms ({ours / airflows:.2f} times)"


def _jobs(airflow: Embedded, count: int, run: str) -> None:
    """Write jobs, each with LATEST ended runs like ``run``: nine that completed, one that completed in part."""
    for table, id_of in (("dag", ""), ("dag_tag", ""), ("dag_version", "gen_random_uuid()")):
        _cloned(airflow, table, {"dag_id": _NAME, **({"id": id_of} if id_of else {})}, f"dag_id = '{JOB}'", count)
    version = f"(SELECT id FROM dag_version v WHERE v.dag_id = {_NAME})"  # noqa: S608 - of this file
    own = {"id": "gen_random_uuid()", "dag_id": _NAME, "dag_version_id": version}
    _cloned(airflow, "serialized_dag", own, f"dag_id = '{JOB}'", count)
    names = {"dag_id": _NAME, "run_id": "'ended_' || m"}
    ended = {"state": "'success'", "end_date": "now()", "id": "nextval('dag_run_id_seq')"}
    _cloned(airflow, "dag_run", {**names, **ended}, f"run_id = '{run}'", count, LATEST)
    own = {"id": "gen_random_uuid()", "state": "'success'"}
    _cloned(airflow, "task_instance", {**names, **own}, f"run_id = '{run}' AND task_id = 'report'", count, LATEST)
    airflow.sql(
        "INSERT INTO dag_run_note (dag_run_id, content, created_at, updated_at) "
        "SELECT id, 'partial: 9 of 10 subtasks succeeded', now(), now() FROM dag_run WHERE run_id = 'ended_5'"
    )
    analyze(airflow)


_NAME = f"'{JOB}_' || n"


def _cloned(airflow: Embedded, table: str, own: dict[str, str], where: str, count: int, runs: int = 1) -> None:
    """Copy rows; ``own`` are values in SQL, with the number of the job as ``n`` and that of its run as ``m``."""
    values = ", ".join(f"'{name}', {value}" for name, value in own.items())
    airflow.sql(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object({values}))).* "  # noqa: S608 - of this file
        f"FROM {table} t, generate_series(1, %s) n, generate_series(1, %s) m WHERE {where}",
        count,
        runs,
    )


def _reports(airflow: Embedded, size: int) -> None:
    """Write the results of the reports of the runs of the first 111 jobs, of so many bytes."""
    text = "(SELECT string_agg(md5(random()::text || n), '') FROM generate_series(1, %s) n)"
    airflow.sql("DELETE FROM xcom")
    airflow.sql(
        "INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp) "  # noqa: S608 - of this file
        "SELECT r.id, 'report', -1, 'return_value', r.dag_id, r.run_id, jsonb_build_object("
        "'state', CASE r.run_id WHEN 'ended_5' THEN 'partial' ELSE 'complete' END, 'failed', 1, 'result', big.text), now() "
        f"FROM dag_run r, (SELECT {text} AS text) big WHERE r.run_id LIKE 'ended_%%' AND r.dag_id LIKE '{JOB}_1%%'",
        size // 32,
    )
