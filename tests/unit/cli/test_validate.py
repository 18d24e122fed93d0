import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mcp_provider.cli import validate
from tests.unit.cli.parsed import arguments

ALLOWED = "expected at most 200 letters, digits, -, . and _, not only dots; the name of the file is the job id"
GOOD = "plan: {items: [1]}\nrun: {command: [echo, '{item}']}\n"


def run(*words):
    with pytest.raises(SystemExit) as end:
        validate.main(arguments("validate", *map(str, words)))
    return end.value.code


def test_good_specs_of_a_folder_and_its_folders(tmp_path, capsys):
    (tmp_path / "below").mkdir()
    (tmp_path / "one.yaml").write_text(GOOD)
    (tmp_path / "below" / "two.yml").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("no spec")
    assert run(tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/below/two.yml: ok, job two",
        f"{tmp_path}/one.yaml: ok, job one",
    ]


def test_one_wrong_spec_fails_all_and_the_others_are_checked(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("pla: 1\nrun: {command: [x]}\n")
    (tmp_path / "b.yaml").write_text(GOOD)
    assert run(tmp_path / "a.yaml", tmp_path / "b.yaml") == 1
    out = capsys.readouterr().out
    assert f"{tmp_path}/a.yaml:1: pla" in out
    assert "job b" in out


def test_nothing_to_check_is_an_error(tmp_path):
    assert "no job spec" in run(tmp_path)
    assert run(tmp_path / "missing.yaml") == 1


def test_a_circle_of_jobs_is_found_before_they_run(tmp_path, capsys):
    plan = "plan: {items: [1]}\n"
    (tmp_path / "a.yaml").write_text(f"{plan}run: {{job: b}}\nparams: {{item: {{}}}}\n")
    (tmp_path / "b.yaml").write_text(f"{plan}run: {{shell: x}}\nsubtasks: {{jobs: [c, d]}}\nparams: {{item: {{}}}}\n")
    (tmp_path / "d.yaml").write_text(f"{plan}run: {{job: elsewhere}}\nparams: {{item: {{}}}}\n")
    assert run(tmp_path) == 0
    (tmp_path / "c.yaml").write_text(f"{plan}steps: [{{name: s, run: {{job: d}}}}, {{name: t, run: {{job: a}}}}]\n")
    assert run(tmp_path) == 1
    told = capsys.readouterr().out.splitlines()[-1]
    name, line, path, wrong, given = told.removeprefix(f"{tmp_path}/").partition(";")[0].replace(".yaml", "").split(":")
    way = given.strip().split(" -> ")
    assert (name, wrong) == (way[0], " circular call of jobs")
    assert (line, path) in {("2", " run.job"), ("3", " subtasks.jobs.0"), ("2", " steps.1.run.job")}
    assert way[0] == way[-1]
    assert " -> ".join([*way, *way[1:]]).count("a -> b -> c -> a") >= 1


def test_what_the_loader_of_dags_meets_is_told(tmp_path, capsys):
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "twice.yaml").write_text(GOOD)
    (tmp_path / "twice.yml").write_text(GOOD)
    (tmp_path / "nowhere.yaml").symlink_to("none")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "line\nbreak.yaml").write_text(GOOD)
    (tmp_path / "\udcff.yaml").write_text(GOOD)
    (tmp_path / ".hidden.yaml").write_text("no spec")
    os.mkfifo(tmp_path / "fifo.yaml")
    assert run(tmp_path) == 1
    assert sorted(line.removeprefix(f"{tmp_path}/") for line in capsys.readouterr().out.splitlines()) == [
        f'\\udcff.yaml: id: invalid job id "\\udcff"; {ALLOWED}',
        "device.yaml: unsupported type of file; expected a regular file",
        "fifo.yaml: unsupported type of file; expected a regular file",
        "folder.yaml: cannot read the file: Is a directory",
        "good.yaml: ok, job good",
        f'line\\nbreak.yaml: id: invalid job id "line\\nbreak"; {ALLOWED}',
        "loop.yaml: cannot read the file: Too many levels of symbolic links",
        "nowhere.yaml: cannot read the file: No such file or directory",
        "twice.yaml: ok, job twice",
        "twice.yml: duplicate job id twice, also that of twice.yaml; expected one file per job id",
    ]


def test_one_job_id_is_one_file_at_any_depth(tmp_path, capsys):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.yaml").write_text(GOOD)
    assert run(tmp_path) == 1
    assert f"{tmp_path}/b/one.yaml: duplicate job id one, also that of {tmp_path}/a/one.yaml" in capsys.readouterr().out


def test_files_of_one_name_in_two_folders_are_two_deployments(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.yaml").write_text(GOOD)
    assert run(tmp_path / "a", tmp_path / "b") == 0
    assert run(tmp_path / "a" / "one.yaml", tmp_path / "b" / "one.yaml") == 0


LOADER = "from airflow_mcp_provider.factory import load_jobs\nglobals().update(load_jobs('jobs'))\n"


def test_a_dag_file_that_airflow_passes_over_is_told(tmp_path, capsys):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "one.yaml").write_text(GOOD)
    file = tmp_path / "jobs.py"
    file.write_text(LOADER)
    assert run(tmp_path / "jobs") == 1
    assert (
        f"{file}: DAG file ignored by Airflow; expected a file that Airflow parses: call load_dags in it"
        in capsys.readouterr().out
    )
    file.write_text(LOADER.replace("load_jobs", "load_dags"))
    assert run(tmp_path / "jobs") == 0


CODE = """
def plan(params): return []
def visit(subtask): return 1
def report(outcomes, params): return 1
"""


@pytest.fixture
def dags(tmp_path):
    """A DAG folder with a module, and a DAG file that loads the folder `jobs`."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs.py").write_text(LOADER.replace("load_jobs", "load_dags"))
    (tmp_path / "mcp_validated.py").write_text(CODE)
    return tmp_path


def test_functions_are_imported_from_the_folder_of_the_dag_file(dags, capsys):
    spec = dags / "jobs" / "inner" / "a.yaml"
    spec.parent.mkdir()
    spec.write_text("plan: {python: 'mcp_validated:plan'}\nrun: {python: 'mcp_validated:visit'}\n")
    assert run(dags / "jobs") == run(spec) == 0
    spec.write_text("plan: {python: 'mcp_validated:plna'}\nrun: {python: 'mcp_validated:visit'}\n")
    assert run(spec) == 1
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"{spec}:1: plan.python: function not found: mcp_validated:plna; "
        f"expected a function of mcp_validated ({dags}/mcp_validated.py) (did you mean plan?)"
    )
    assert run(spec, "--no-imports") == 0
    assert run(spec, "--dag-folder", dags / "jobs") == 1
    assert "module 'mcp_validated' not found" in capsys.readouterr().out
    assert "mcp_validated" not in sys.modules


def test_json_has_each_error_once_with_all_its_parts(dags, capsys):
    (dags / "jobs" / "a.yaml").write_text(GOOD + "timeouts:\n  hard: 10 min\n")
    (dags / "jobs" / "b.yaml").write_text("plan: {python: 'mcp_validated:plan'}\nrun: {job: nowhere}\n")
    (dags / "jobs" / "c.yaml").write_text(GOOD)
    assert run(dags / "jobs", "-o", "json") == 1
    assert json.loads(capsys.readouterr().out) == [
        {
            "file": f"{dags}/jobs/a.yaml",
            "line": 4,
            "path": "timeouts.hard",
            "problem": "invalid duration",
            "given": '"10 min"',
            "expected": "for example 90s, 5m, 1h30m, 2d, 500ms, or a number of seconds",
            "severity": "error",
        },
        {
            "file": f"{dags}/jobs/b.yaml",
            "line": 2,
            "path": "run.job",
            "problem": "job without a spec in this folder",
            "given": "nowhere",
            "expected": "the id of a job that this Airflow has",
            "severity": "warning",
        },
    ]
    assert run(dags / "jobs" / "c.yaml", "-o", "json") == 0
    assert capsys.readouterr().out == "[]\n"


def test_a_warning_fails_only_with_strict(dags, capsys):
    (dags / "jobs" / "b.yaml").write_text(GOOD + "schedule: {after: [twin]}\n")
    assert run(dags / "jobs") == 0
    assert "b.yaml:3: warning: schedule.after.0: job without a spec in this folder: twin" in capsys.readouterr().out
    assert run(dags / "jobs", "--strict") == 1
    (dags / "twin.py").write_text('dag = build_dag(JobSpec(id="twin"))')
    assert run(dags / "jobs", "--strict") == 0


def test_jobs_that_start_each_other_without_an_end(dags, capsys):
    (dags / "jobs" / "a.yaml").write_text(GOOD + "schedule: {after: [b]}\n")
    (dags / "jobs" / "b.yaml").write_text(GOOD + "schedule: {after: [a]}\n")
    assert run(dags / "jobs") == 1
    told = capsys.readouterr().out
    assert "schedule.after.0: circular order of jobs: " in told
    assert run(dags / "jobs" / "a.yaml") == 1


def test_a_file_with_defaults_stands_for_its_folder(dags, capsys):
    (dags / "jobs" / "a.yaml").write_text(GOOD)
    (dags / "jobs" / "_defaults.yaml").write_text("retries: {attempts: 0}\n")
    assert run(dags / "jobs" / "_defaults.yaml") == 1
    assert f"{dags}/jobs/_defaults.yaml:1: retries.attempts: number too small: 0" in capsys.readouterr().out


def test_a_time_limit_that_is_none(tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD)
    assert run(tmp_path, "--import-timeout", "soon").startswith('--import-timeout: invalid duration "soon"; expected')


def test_text_of_a_module_stays_one_line_and_json_stays_json(dags):
    (dags / "jobs" / "a.yaml").write_text("plan: {python: 'mcp_loud:plan'}\nrun: {python: 'mcp_loud:run'}\n")
    (dags / "mcp_loud.py").write_text(
        "import os\nprint('noise')\nos.write(1, b'noise')\nraise ValueError('a\\n\\x1b[31m\\udcff')"
    )
    command = [sys.executable, "-W", "ignore", "-m", "airflow", "mcp", "validate", "jobs", "-o", "json"]
    done = subprocess.run(
        command, cwd=dags, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"}
    )
    assert done.returncode == 1, done.stderr
    first, second = json.loads(done.stdout)
    assert first["problem"] == f"import error (ValueError: a \\x1b[31m\\udcff, {dags}/mcp_loud.py:4) of"
    assert (first["line"], second["line"]) == (1, 2)
    done = subprocess.run(
        command[:-2], cwd=dags, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"}
    )
    assert done.stdout.splitlines()[0].startswith("jobs/a.yaml:1: plan.python: import error (ValueError: a \\x1b[31m")
    assert len(done.stdout.splitlines()) == 2


def test_the_templates_are_valid_with_their_code():
    assert run(Path(__file__).parents[3] / "dags" / "jobs", "--strict") == 0
