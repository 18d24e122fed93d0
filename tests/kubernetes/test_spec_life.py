"""A job whose spec is broken while its run is active: the pods that start then have the spec of the run."""

from __future__ import annotations

import shutil
from functools import partial

import pytest

from tests.kubernetes.conftest import QUICK
from tests.kubernetes.runners import DAGS, DATA, airflow_on, until

EDITED = {**QUICK, "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2"}
SPEC = """\
params: {until: {type: string}}
plan: {items: [a, b]}
run: {shell: 'while [ ! -e "$MCP_PARAM_UNTIL" ]; do sleep 0.2; done; echo "{\\"version\\": 1}"'}
subtasks: {parallelism: 1}
"""


@pytest.fixture
def dags(tmp_path):
    """A copy of the DAG folder, which the pods see, too."""
    folder = tmp_path / "dags"
    shutil.copytree(DAGS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for spec in (folder / "jobs").iterdir():
        if spec.name != "echo.yaml":
            spec.unlink()
    (folder / "jobs/edited.yaml").write_text(SPEC)
    return folder


@pytest.fixture
def runners(cluster, image, one_airflow, dags):
    yield one_airflow.get(str(dags), partial(airflow_on, cluster, image, dags=dags, env=EDITED))
    one_airflow.end()


def test_pods_of_a_run_whose_spec_was_broken_and_then_removed(runners, dags):
    api, spec = runners.airflow.api, dags / "jobs/edited.yaml"
    api.wait_for_dag("edited")
    run = api.trigger("edited", {"until": f"{DATA}/go"})
    until("the first subtask", lambda: runners.running("edited", run))
    spec.write_text("plan: {items: [a]}\nrun: {python: no function}\n")
    until("the error", lambda: [one for one in api.import_errors() if one["filename"] == "jobs/edited.yaml"])
    (runners.data / "go").touch()
    until("the second subtask", lambda: len(_ended(api, run)) == 2)
    spec.unlink()
    assert api.wait("edited", run)["state"] == "success"
    results = [api.state_store("edited", run, "run", index)["mcp.outcome"]["result"] for index in (0, 1)]
    assert results == [{"version": 1}] * 2
    runners.none_left()


def _ended(api, run):
    return [one for one in api.task_instances("edited", run) if one["task_id"] == "run" and one["state"] == "success"]
