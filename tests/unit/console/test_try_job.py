"""``mcp-jobs test`` as a program: in a pipe, and in a terminal with a debugger."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from airflow_mcp_provider.console import locate
from airflow_mcp_provider.console.main import main
from airflow_mcp_provider.errors import SpecError
from tests.sizes import patient

CODE = """
import os
from airflow_mcp_provider.runtime import enqueue

def visit(subtask):
    print("looking at", subtask["item"])
    os.system("echo from a child")
    {stop}
    if subtask["item"] == 1:
        enqueue({{"item": 2}})
    if subtask["item"] == {bad}:
        raise ValueError("bad")
    return subtask["item"]
"""
SPEC = 'params: {x: {type: integer, default: 1}}\nplan: {items: [1]}\nrun: {python: "work_here:visit"}\nretries: {attempts: 1}\n'


@pytest.fixture
def folder(tmp_path):
    def made(stop: str = "", bad: int = 0) -> Path:
        (tmp_path / "dags" / "jobs").mkdir(parents=True)
        (tmp_path / "dags" / "jobs.py").write_text(
            'from airflow_mcp_provider.factory import load_dags\nload_dags("jobs")\n'
        )
        (tmp_path / "dags" / "jobs" / "small.yaml").write_text(SPEC)
        (tmp_path / "dags" / "jobs" / "_defaults.yaml").write_text("subtasks: {limit: 50}\n")
        (tmp_path / "dags" / "work_here.py").write_text(CODE.format(stop=stop, bad=bad))
        return tmp_path

    return made


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airflow_mcp_provider.console.main", "test", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=patient(120))


@pytest.mark.parametrize("name", ["small", "dags/jobs/small.yaml"])
def test_a_job_is_found_by_id_and_by_path(folder, name):
    done = program(folder(), name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "looking at 1", "from a child", "✔ 1", "looking at 2", "from a child", "✔ 2",
        "complete: 2 of 2 subtasks succeeded",
    ]  # fmt: skip


def test_a_failure_is_exit_code_1_and_has_its_trace(folder):
    done = program(folder(bad=2), "small", "-o", "json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert (document["state"], document["failed"], document["job"]) == ("failed", 1, "small")
    assert "looking at 1" in done.stderr
    assert "work_here.py" in done.stderr
    assert 'raise ValueError("bad")' in done.stderr


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["nope"], "no job nope in"),
        (["small", "-c", "x=y"], "invalid value 'y' of the param x; expected type: integer"),
        (["small", "--conf", "[1]"], "invalid --conf [1]; expected a JSON object"),
    ],
)
def test_a_wrong_argument_is_one_line(folder, arguments, wrong):
    done = program(folder(), *arguments)
    assert done.returncode in {1, 2}
    assert wrong in done.stderr
    assert "Traceback" not in done.stderr


def test_conf_has_json_and_pairs_and_more_is_ignored_aloud(folder):
    done = program(folder(), "small", "--conf", '{"x": 3, "other": 1}', "-c", "x=4")
    assert done.returncode == 0
    assert "ignored: other is not a param of small" in done.stderr


def terminal(folder: Path, *arguments: str) -> pexpect.spawn:
    command = ["-m", "airflow_mcp_provider.console.main", "test", *arguments]
    environment = {**os.environ, "TERM": "xterm", "PYTHONUNBUFFERED": ""}
    return pexpect.spawn(
        sys.executable,
        command,
        cwd=folder,
        env=environment,
        dimensions=(40, 120),
        timeout=patient(60),
        encoding="utf-8",
    )


def test_a_terminal_has_the_tree_and_what_the_work_prints(folder):
    shown = terminal(folder(), "small")
    shown.expect("looking at 1")
    shown.expect("from a child")
    shown.expect("complete: 2 of 2 subtasks succeeded")
    shown.expect(pexpect.EOF)
    shown.close()
    assert shown.exitstatus == 0


@pytest.mark.parametrize("stop", ["breakpoint()", "import pdb; pdb.set_trace()"])
def test_a_breakpoint_gives_the_terminal_to_the_debugger(folder, stop):
    shown = terminal(folder(stop=stop), "small")
    shown.expect(r"\(Pdb\) ")
    shown.sendline("p subtask")
    shown.expect_exact("{'item': 1}")
    shown.expect(r"\(Pdb\) ")
    shown.sendline("c")
    shown.expect(r"\(Pdb\) ")
    shown.sendline("p subtask['item'] + 40")
    shown.expect("42")
    shown.sendline("c")
    shown.expect("complete: 2 of 2 subtasks succeeded")
    shown.expect(pexpect.EOF)
    shown.close()
    assert shown.exitstatus == 0


def test_q_in_the_debugger_ends_the_run(folder):
    shown = terminal(folder(stop="breakpoint()"), "small")
    shown.expect(r"\(Pdb\) ")
    shown.sendline("q")
    shown.expect(pexpect.EOF)
    shown.close()
    assert shown.exitstatus == 130


def test_a_file_with_the_name_of_another_module_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "calendar.py").write_text("# a dag\n")
    with pytest.raises(SpecError, match=r"calendar\.py: the import has another module, .*expected another name"):
        locate.job(str(tmp_path / "calendar.py"))


def test_it_needs_no_airflow():
    code = "import sys; from airflow_mcp_provider.console import try_job, live_tree; print('airflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_main_returns_the_exit_code(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder())
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["test", "small"]) == 0
    assert "complete" in capsys.readouterr().out
