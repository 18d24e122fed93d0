from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.exceptions import SerializationError
from airflow.sdk.definitions._internal.contextmanager import DagContext
from airflow.sdk.definitions.context import Context  # noqa: F401 - the SDK must be whole before DAGs are built
from airflow.serialization.serialized_objects import DagSerialization

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import folder, load_dags, load_jobs
from airflow_mcp_provider.factory.broken_job import BrokenJob

GOOD = "plan: {items: [a]}\nrun: {shell: 'true'}\n"
LOADER = """
from pathlib import Path
from airflow_mcp_provider.factory import load_dags
globals().update(load_dags(Path(__file__).parent / "jobs"))
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
    assert sorted(load_dags(jobs)) == ["one", "three", "two"]
    assert DagContext.get_current_dag() is None


def test_folders_in_the_folder_are_read_and_hidden_ones_are_not(jobs):
    for name in ("below/deeper/three.yaml", "below/.git/hidden.yaml", ".venv/hidden.yaml"):
        (jobs / name).parent.mkdir(parents=True, exist_ok=True)
        (jobs / name).write_text(GOOD)
    (jobs / "below" / "up").symlink_to(jobs)
    assert sorted(load_dags(jobs)) == ["one", "three", "two"]


def test_a_config_map_of_kubernetes_is_a_folder_of_jobs(tmp_path):
    """Its files are links into a hidden folder, which is a link itself."""
    (tmp_path / "..2026_11_26").mkdir()
    (tmp_path / "..2026_11_26" / "one.yaml").write_text(GOOD)
    (tmp_path / "..data").symlink_to("..2026_11_26")
    (tmp_path / "one.yaml").symlink_to("..data/one.yaml")
    assert sorted(load_dags(tmp_path)) == ["one"]


def test_one_job_id_is_one_file_at_any_depth(jobs):
    (jobs / "a").mkdir()
    (jobs / "a" / "one.yaml").write_text(GOOD)
    found = load_dags(jobs)
    assert "one" in found
    assert told(found["broken.one"]).startswith(
        f"{jobs}/one.yaml: duplicate job id one, also that of {jobs}/a/one.yaml"
    )


def test_the_name_of_before_is_the_same_function():
    assert load_jobs is load_dags


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
    with pytest.raises(SpecError, match=r"bad\.yaml:1: plann: unknown key \"plann\" \(did you mean plan\?\)"):
        _ = broken.task_group
    assert found.dags["one"].relative_fileloc == "jobs.py"


def test_any_exception_of_one_spec_stays_alone(jobs):
    (jobs / "unreadable.yaml").mkdir()
    assert sorted(load_dags(jobs)) == ["broken.unreadable", "one", "two"]


def test_a_runner_reads_its_own_job_only(jobs, monkeypatch):
    from airflow.sdk.definitions.context import Context as _  # noqa: F401
    from airflow.sdk.execution_time import task_runner  # noqa: F401

    for variable, value in (("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "two"), ("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "run")):
        monkeypatch.setenv(variable, value)
    (jobs / "one.yaml").write_text("not a job")
    assert list(load_dags(jobs)) == ["two"]
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "elsewhere")
    assert "two" in load_dags(jobs)


def test_no_folder(tmp_path):
    with pytest.raises(SpecError, match="folder of job specs not found"):
        load_dags(tmp_path / "none")


def test_what_kubernetes_refuses_is_told_with_file_and_line(tmp_path):
    (tmp_path / "bad.yaml").write_text("plan: {items: [1]}\nrun: {shell: x}\npod:\n  tolerations:\n  - {efect: x}\n")
    with pytest.raises(
        SerializationError, match=r"bad\.yaml:5: pod\.tolerations\.0\.efect: unknown key \"efect\" \(did you mean ef"
    ):
        DagSerialization.to_dict(load_dags(tmp_path)["broken.bad"])


def test_whatever_is_wrong_with_one_file_stays_with_it(jobs):
    for name in ("inventory (copy).yaml", "ä.yaml", "x" * 240 + ".yaml", "one.yml"):
        (jobs / name).write_text(GOOD)
    (jobs / "broken_link.yaml").symlink_to(jobs / "nowhere")
    (jobs / "loop.yaml").symlink_to(jobs / "loop.yaml")
    (jobs / "null.yaml").write_text(GOOD + "params: {x: {type: null, default: 2}}\n")
    os.mkfifo(jobs / "fifo.yaml")
    found = load_dags(jobs)
    assert len(found) == 10
    assert {"one", "two"} == {name for name in found if not name.startswith("broken.")}
    for dag in found.values():
        if isinstance(dag, BrokenJob):
            with pytest.raises(SpecError, match=r"\.ya?ml"):
                _ = dag.task_group
    assert sorted(bag(jobs).dags) == sorted(found)


def told(job):
    assert isinstance(job, BrokenJob)
    with pytest.raises(SpecError) as raised:
        _ = job.task_group
    return str(raised.value)


@pytest.mark.parametrize("name", ["a\nb.yaml", "\udcff.yaml", "a\x1b[0m.yaml", "é\r.yml"])
def test_a_file_of_any_name_is_told_in_one_line_that_can_be_stored(jobs, name):
    (jobs / name).write_text("plan: {items: [a]}\n")
    found = bag(jobs)
    [broken] = [job for job in found.dags.values() if isinstance(job, BrokenJob)]
    assert all(line.startswith(f"{jobs}/") for line in told(broken).split("\n"))
    for text in (told(broken), broken.relative_fileloc, broken.dag_id):
        assert text.encode().decode().replace("\n", "").isprintable()


def test_a_broken_spec_does_not_take_the_place_of_a_job(jobs):
    for name in ("broken.bad.yaml", "broken.one.yaml"):
        (jobs / name).write_text(GOOD)
    (jobs / "bad.yaml").write_text("nothing")
    (jobs / "one.yml").write_text(GOOD)
    found = load_dags(jobs)
    assert [name for name, job in found.items() if not isinstance(job, BrokenJob)] == [
        *("broken.bad", "broken.one", "one", "two")
    ]
    assert sorted(told(job).partition(": ")[0] for job in found.values() if isinstance(job, BrokenJob)) == [
        *(f"{jobs}/bad.yaml:1", f"{jobs}/one.yml")
    ]
    assert all(job.dag_id == name for name, job in found.items())


def test_a_jobs_name_does_not_replace_what_python_has_of_the_dag_file(jobs):
    for name in ("__file__", "__name__", "__builtins__"):
        (jobs / f"{name}.yaml").write_text(GOOD)
    found = bag(jobs)
    assert found.import_errors == {}
    assert {"one", "two"} <= set(found.dags)
    assert "reserved job id" in told(found.dags["broken.__file__"])


def test_a_file_that_is_gone_when_its_error_is_placed(jobs, monkeypatch):
    """A job that is read can be refused by Kubernetes' models later; its file may have changed by then."""
    path = jobs / "bad.yaml"
    path.write_text(GOOD + "pod: {tolerations: [{efect: x}]}\n")
    built = folder.build_dag

    def build_and_lose(spec):
        path.unlink(missing_ok=True)
        return built(spec)

    monkeypatch.setattr(folder, "build_dag", build_and_lose)
    assert told(load_dags(jobs)["broken.bad"]).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("name", "text"), [("job.yaml", "plan: {items: [1]}\nrun: {shell: x}\n"), ("job.yml", "plan: [")]
)
def test_many_files_of_one_job_id_take_no_other_job_down(tmp_path, name, text):
    for number in range(70):
        (tmp_path / f"team{number}").mkdir()
        (tmp_path / f"team{number}" / name).write_text(text)
    (tmp_path / "other.yaml").write_text("plan: {items: [1]}\nrun: {shell: x}\n")
    dags = load_dags(tmp_path)
    assert len(dags) == 71
    assert dags["other"].task_dict


PARSED = """
import json, sys
from pathlib import Path
from airflow.dag_processing.dagbag import DagBag
found = DagBag(dag_folder=sys.argv[1], bundle_path=Path(sys.argv[1]).parent, bundle_name="b")
errors = {}
for name, dag in found.dags.items():
    try:
        dag.task_group
    except Exception as error:
        errors[name] = str(error)
print(json.dumps([sorted(found.dags), found.import_errors, errors]))
"""


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ("control: local", "cannot load the job: UnknownExecutorException: Task 'plan'"),
        ("pod: {override: {nonsense: 1}}", "pod.override"),
    ],
)
def test_an_error_while_a_dag_is_built_is_one_of_its_own_spec(jobs, more, error):
    """Neither is Airflow left with half a DAG of this job, nor with an error of the DAG file, which stops all its DAGs."""
    (jobs / "wrong.yaml").write_text(f"{GOOD}{more}\n")
    done = subprocess.run(
        [sys.executable, "-c", PARSED, str(jobs.parent / "jobs.py")],
        env={**os.environ, "AIRFLOW__CORE__EXECUTOR": "KubernetesExecutor"},
        capture_output=True,
        text=True,
        check=True,
    )
    dags, of_the_file, of_specs = json.loads(done.stdout.splitlines()[-1])
    assert (dags, of_the_file, list(of_specs)) == (["broken.wrong", "one", "two"], {}, ["broken.wrong"])
    assert error in of_specs["broken.wrong"]
