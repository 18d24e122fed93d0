"""The same jobs in one process (``mcp-jobs test``) and on a real Airflow: the same counts, failures and results."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.sizes import CALM, patient

HERE = Path(__file__).parent
JOBS = sorted(path.stem for path in (HERE / "dags" / "jobs").rglob("*.yaml") if path.stem != "_defaults")
MORE = ["fresh", "double"]
"""Written by ``mcp-jobs new``, and made by ``@job``."""
COMPARED = ("state", "subtasks", "succeeded", "failed", "skipped", "steps", "result")


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airflow_mcp_provider.console.main", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=patient(120))


@pytest.fixture(scope="package")
def folder(tmp_path_factory) -> Path:
    """A folder with the DAG folder ``dags`` and a new job in it."""
    made = tmp_path_factory.mktemp("work")
    shutil.copytree(HERE / "dags", made / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    assert program(made, "new", "fresh").returncode == 0
    return made


@pytest.fixture(scope="package")
def runs(folder) -> Iterator[tuple[Embedded, dict[str, str]]]:
    """An Airflow in which a run of each job has been triggered, and the ids of the runs."""
    with Embedded(dags=folder / "dags", parallelism=4, env=CALM) as airflow:
        for job in [*JOBS, *MORE]:
            airflow.api.wait_for_dag(job)
        yield airflow, {job: airflow.api.trigger(job) for job in [*JOBS, *MORE]}


def in_airflow(airflow: Embedded, job: str, run_id: str) -> tuple[str, Json]:
    state = airflow.api.wait(job, run_id, timeout=300)["state"]
    key = "return_value" if state == "success" else "result"
    try:
        return state, airflow.api.xcom(job, run_id, "report", key)
    except Exception as error:
        raise AssertionError(airflow.api.run(job, run_id)) from error


def in_one_process(folder: Path, job: str) -> tuple[int, Json]:
    done = program(folder, "test", "dags/doubling.py" if job == "double" else job, "-o", "json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("job", [*JOBS, *MORE])
def test_the_result_is_the_same(runs, folder, job):
    airflow, ids = runs
    state, theirs = in_airflow(airflow, job, ids[job])
    code, ours = in_one_process(folder, job)
    assert {name: ours.get(name) for name in COMPARED} == {name: theirs.get(name) for name in COMPARED}
    failures = [
        sorted((one["key"], one["type"], one["message"], one.get("step")) for one in found["failures"])
        for found in (ours, theirs)
    ]
    assert failures[0] == failures[1]
    assert code == (0 if state == "success" else 1)
