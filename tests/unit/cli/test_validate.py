import os
from argparse import Namespace

import pytest

from airflow_mcp_provider.cli import validate

ALLOWED = "expected at most 200 letters, digits, -, . and _, not only dots; the name of the file is the job id"
GOOD = "plan: {items: [1]}\nrun: {command: [echo, '{item}']}\n"


def run(*paths):
    with pytest.raises(SystemExit) as end:
        validate.main(Namespace(paths=[str(path) for path in paths]))
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
    (tmp_path / "a.yaml").write_text(f"{plan}run: {{job: b}}\n")
    (tmp_path / "b.yaml").write_text(f"{plan}run: {{shell: x}}\nsubtasks: {{jobs: [c, d]}}\n")
    (tmp_path / "d.yaml").write_text(f"{plan}run: {{job: elsewhere}}\n")
    assert run(tmp_path) == 0
    (tmp_path / "c.yaml").write_text(f"{plan}steps: [{{name: s, run: {{job: d}}}}, {{name: t, run: {{job: a}}}}]\n")
    assert run(tmp_path) == 1
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("circular call of jobs: ")
    way = told.rpartition(": ")[2].split(" -> ")
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
    assert f"{file}: ignored by Airflow; call load_dags in it" in capsys.readouterr().out
    file.write_text(LOADER.replace("load_jobs", "load_dags"))
    assert run(tmp_path / "jobs") == 0
