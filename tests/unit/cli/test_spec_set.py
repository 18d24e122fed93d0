import json
from pathlib import Path

import pytest

from airflow_mcp_provider.cli.spec_set import code_folder, loaded_root, spec_sets

SPEC = "plan: {items: [1]}\nrun: {shell: x}\n"
LOADER = "from airflow_mcp_provider.factory import load_dags\nglobals().update(load_dags('jobs'))\n"


@pytest.fixture
def jobs(tmp_path):
    folder = tmp_path / "team" / "jobs"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.yaml").write_text(SPEC)
    (folder / "inner" / "b.yaml").write_text(SPEC)
    (folder / "_defaults.yaml").write_text("owner: a\n")
    return folder


def test_the_root_is_beside_the_nearest_dag_file_that_loads_specs(jobs):
    assert loaded_root(jobs / "inner") is None
    (jobs.parent / "other.py").write_text("from airflow.sdk import DAG\n")
    assert loaded_root(jobs / "inner") is None
    (jobs.parent / "jobs.py").write_text(LOADER.replace("'jobs'", "'others'"))
    assert loaded_root(jobs / "inner") is None
    (jobs.parent / "jobs.py").write_text(LOADER)
    assert loaded_root(jobs / "inner") == loaded_root(jobs) == jobs


def test_modules_are_in_the_bundle_else_beside_the_root(jobs, tmp_path, monkeypatch):
    assert code_folder(jobs) == jobs.parent
    (jobs.parent / "jobs.py").write_text(LOADER)
    assert code_folder(jobs / "inner") == jobs.parent
    bundle = {"name": "a", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle"}
    setting = json.dumps([bundle | {"kwargs": {"path": str(tmp_path)}}])
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", setting)
    assert code_folder(jobs / "inner") == tmp_path
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", "not JSON")
    assert code_folder(jobs / "inner") == jobs.parent


def test_each_spec_is_once_in_the_sets_and_knows_the_jobs_of_its_folder(jobs):
    (jobs.parent / "jobs.py").write_text(LOADER)
    (found,) = spec_sets([jobs, jobs / "a.yaml", jobs / "_defaults.yaml"])
    assert found.paths == (jobs / "a.yaml", jobs / "inner" / "b.yaml")
    (alone,) = spec_sets([jobs / "inner" / "b.yaml"])
    assert (alone.root, alone.paths, {*alone.files}) == (jobs, (jobs / "inner" / "b.yaml",), {"a", "b"})
    assert alone.job("b").owner == "a"
    assert (alone.job("c"), alone.mentions("c")) == (None, False)
    (jobs.parent / "twin.py").write_text("build_dag(JobSpec(id='c'))")
    (again,) = spec_sets([jobs], Path("elsewhere"))
    assert (again.code, again.mentions("c")) == (Path.cwd() / "elsewhere", False)
    assert spec_sets([jobs])[0].mentions("c")
