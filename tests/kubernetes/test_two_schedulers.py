"""The jobs that we ship, with pods, two schedulers and two API servers: one active run a job, and the right result."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from tests.kubernetes.runners import airflow_on, until

DAGS = Path(__file__).parents[2] / "dags"
INSIDE = "/opt/airflow/dags"
QUICK = {
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "4",
}
"""A scheduler that was killed is missed soon, but not one that lives on a busy machine."""


@pytest.fixture(scope="module")
def two(cluster, image, one_airflow):
    start = partial(airflow_on, cluster, image, dags=DAGS, schedulers=2, api_servers=2, env=QUICK)
    started = one_airflow.get("two", start)
    started.airflow.api.wait_for_dag("inventory")
    return started


def counted(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return len(files), sum(path.stat().st_size for path in files)


def test_inventory_counts_what_is_there(two):
    run = two.airflow.api.trigger("inventory", {"path": INSIDE})
    assert two.airflow.api.wait("inventory", run, 240)["state"] == "success"
    found = two.result("inventory", run)["result"]["totals"]
    assert (found["files"], found["bytes"]) == counted(DAGS)
    two.none_left()


def test_runs_of_a_job_never_overlap_though_a_scheduler_dies(two):
    api = two.airflow.api
    runs = [
        api.trigger("inventory", {"path": f"{INSIDE}/{part}"}) for part in ("jobs", "inventory", "jobs", "inventory")
    ]
    until("a pod", two.pods)
    two.airflow.kill("scheduler-1")
    states = [api.wait("inventory", run, 300)["state"] for run in runs]
    assert states == ["success"] * 4
    spans = sorted(worked(api, run) for run in runs)
    assert [one for one, after in pairwise(spans) if one[1] > after[0]] == []
    two.airflow.start("scheduler-1")
    two.none_left()


def worked(api, run):
    tasks = [one for one in api.task_instances("inventory", run) if one["start_date"]]
    return min(one["start_date"] for one in tasks), max(one["end_date"] for one in tasks)
