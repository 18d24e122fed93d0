from __future__ import annotations

import os

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.exceptions import SerializationError
from airflow.sdk.definitions._internal.contextmanager import DagContext
from airflow.sdk.definitions.context import Context  # noqa: F401 - the SDK must be whole before DAGs are built
from airflow.serialization.serialized_objects import DagSerialization

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import folder, load_jobs
from airflow_mcp_provider.factory.broken import BrokenJob

GOOD = "plan: {items: [a]}\nrun: {shell: 'true'}\n"
LOADER = """
from pathlib import Path
from airflow_mcp_provider.factory import load_jobs  # one DAG a spec
globals().update(load_jobs(Path(__file__).parent / "jobs"))
"""


@pytest.fixture
def jobs(tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs.py").write_text(LOADER)
    for name in ("one", "two"):
        (tmp_path / "jobs" / f"{name}.yaml").write_text(GOOD)
    return tmp_path / "jobs"


def bag(jobs):
    return DagBag(dag_folder=jobs.parent / "jobs.py", bundle_path=jobs.parent, bundle_name="b")


def test_one_dag_a_spec(jobs):
    (jobs / "three.yml").write_text(GOOD)
    (jobs / ".hidden.yaml").write_text("not yaml: [")
    (jobs / "notes.txt").write_text("not a job")
    assert sorted(load_jobs(jobs)) == ["one", "three", "two"]
    assert DagContext.get_current_dag() is None


def test_three_lines_are_a_dag_file(jobs):
    found = bag(jobs)
    assert sorted(found.dags) == ["one", "two"]
    assert found.import_errors == {}


def test_a_broken_spec_stays_alone_and_keeps_its_path(jobs):
    (jobs / "bad.yaml").write_text("plann: {items: [a]}\nrun: {shell: 'true'}\n")
    found = bag(jobs)
    broken = found.dags["broken.bad"]
    assert isinstance(broken, BrokenJob)
    assert broken.relative_fileloc == "jobs/bad.yaml"
    with pytest.raises(SpecError, match=r"bad\.yaml:1: plann: is an unknown key, did you mean plan\?"):
        _ = broken.task_group
    assert found.dags["one"].relative_fileloc == "jobs.py"


def test_any_exception_of_one_spec_stays_alone(jobs):
    (jobs / "unreadable.yaml").mkdir()
    assert sorted(load_jobs(jobs)) == ["broken.unreadable", "one", "two"]


def test_a_runner_reads_its_own_job_only(jobs, monkeypatch):
    from airflow.sdk.definitions.context import Context as _  # noqa: F401
    from airflow.sdk.execution_time import task_runner  # noqa: F401

    for variable, value in (("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "two"), ("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "run")):
        monkeypatch.setenv(variable, value)
    (jobs / "one.yaml").write_text("not a job")
    assert list(load_jobs(jobs)) == ["two"]
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "elsewhere")
    assert "two" in load_jobs(jobs)


def test_no_folder(tmp_path):
    with pytest.raises(SpecError, match="no such folder of job specs"):
        load_jobs(tmp_path / "none")
    assert folder.ENDINGS == (".yaml", ".yml")


def test_what_kubernetes_refuses_is_told_with_file_and_line(tmp_path):
    (tmp_path / "bad.yaml").write_text("plan: {items: [1]}\nrun: {shell: x}\npod:\n  tolerations:\n  - {efect: x}\n")
    with pytest.raises(
        SerializationError, match=r"bad\.yaml:5: pod\.tolerations\.0\.efect: is an unknown key, did you mean ef"
    ):
        DagSerialization.to_dict(load_jobs(tmp_path)["broken.bad"])


def test_whatever_is_wrong_with_one_file_stays_with_it(jobs):
    for name in ("inventory (copy).yaml", "ä.yaml", "x" * 240 + ".yaml", "one.yml"):
        (jobs / name).write_text(GOOD)
    (jobs / "broken_link.yaml").symlink_to(jobs / "nowhere")
    (jobs / "loop.yaml").symlink_to(jobs / "loop.yaml")
    (jobs / "null.yaml").write_text(GOOD + "params: {x: {type: null, default: 2}}\n")
    os.mkfifo(jobs / "fifo.yaml")
    found = load_jobs(jobs)
    assert len(found) == 10
    assert {"one", "two"} == {name for name in found if not name.startswith("broken.")}
    for dag in found.values():
        if isinstance(dag, BrokenJob):
            with pytest.raises(SpecError, match=r"\.ya?ml"):
                _ = dag.task_group
    assert sorted(bag(jobs).dags) == sorted(found)
