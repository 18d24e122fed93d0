"""What a shell gets at Tab: the program as the shell starts it, against the real application."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sizes import patient

PROGRAM = [sys.executable, "-m", "airflow_mcp_provider.console.main"]
PATIENT = f"""
from airflow_mcp_provider.console import complete, main
complete.TIMEOUT_S = {patient(60)}  # a person does not wait so long; the server of a test may be slow
main.script()
"""


@pytest.fixture
def tab(tmp_path):
    def complete(line, url):
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        (home / "production.json").write_text(json.dumps({"api_url": url}))
        answer = tmp_path / "answer"
        environ = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
        more = {"AIRFLOW_HOME": str(home), "AIRFLOW_CLI_TOKEN": "anna", "_ARGCOMPLETE_STDOUT_FILENAME": str(answer)}
        done = subprocess.run(
            [sys.executable, "-c", PATIENT],
            env={**os.environ, **environ, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return answer.read_text().split("\n")

    return complete


def test_commands_jobs_and_runs(tab, url, make_job, jobs):
    make_job("crawl_site")
    make_job("other")
    run = jobs.submit("crawl_site", key="1").run
    assert "submit " in tab("mcp-jobs su", url)
    assert tab("mcp-jobs submit cr", url) == ["crawl_site "]
    assert set(tab("mcp-jobs pause ", url)) >= {"crawl_site", "other"}
    assert tab("mcp-jobs status crawl_site k", url) == [f"{run} "]
    assert set(tab("mcp-jobs logs crawl_site ", url)) >= {"latest", run}
    assert "--priority " in tab("mcp-jobs submit crawl_site --pri", url)


def test_nothing_and_no_traceback_without_a_server(tab):
    assert tab("mcp-jobs submit cr", "http://127.0.0.1:9") == [""]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_code_for_a_shell(shell):
    done = subprocess.run([*PROGRAM, "completion", shell], capture_output=True, text=True, check=True)
    assert "mcp-jobs" in done.stdout
    assert "_ARGCOMPLETE" in done.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_takes_the_code(tmp_path):
    program = tmp_path / "mcp-jobs"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m airflow_mcp_provider.console.main "$@"\n')
    program.chmod(0o755)
    code = 'eval "$(mcp-jobs completion bash)"; complete -p mcp-jobs'
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(["bash", "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert "_python_argcomplete" in done.stdout
