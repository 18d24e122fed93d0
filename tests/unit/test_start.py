"""How a runner starts in a pod: in a process of its own, as there."""

from __future__ import annotations

import json
import subprocess
import sys

from airflow_mcp_provider.runtime.pod_reasons import UNREACHED as UNREACHED_AT

LOOK = """
import gc, json, sys
from airflow_mcp_provider import start
start.load()
print(json.dumps({
    "enabled": gc.isenabled(),
    "frozen": gc.get_freeze_count() > 100_000,
    "loaded": [name in sys.modules for name in start.NEEDED],
    "parser": start.PARSER in sys.modules,
}))
import libcst
from airflow.sdk import task  # the class that Airflow makes of the parser's does not hinder a DAG file
print(libcst.parse_module("x = 1").code)
"""


def run(*command):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_what_a_runner_needs_is_there_and_the_rest_is_as_ever():
    code, told, wrong = run("-c", LOOK)
    assert code == 0, wrong
    first, parsed = told.strip().splitlines()[-2:]
    assert json.loads(first) == {"enabled": True, "frozen": True, "loaded": [True, True, True], "parser": False}
    assert parsed == "x = 1"


def test_the_parser_is_still_what_takes_long():
    """When Airflow imports it no more, or only where it is needed, ours has nothing to leave out."""
    code, told, wrong = run("-c", "import sys, airflow.sdk.execution_time.task_runner; print('libcst' in sys.modules)")
    assert (code, told.strip().splitlines()[-1]) == (0, "True"), wrong


def test_airflows_own_start_gets_its_words():
    code, _, wrong = run("-m", "airflow_mcp_provider.start", "airflow.sdk.execution_time.execute_workload", "--wrong")
    assert code == 2
    assert "--json-path" in wrong


UNREACHED = """
import pathlib, sys
from airflow_mcp_provider import start
start.TERMINATION_LOG = pathlib.Path(sys.argv[1])
sys.argv = ["this"]
sys.modules.pop("this", None)
start.run()
"""
THIS = """
import httpx
httpx.get("http://127.0.0.1:9/execution/")
"""


def test_a_runner_that_cannot_reach_airflow_says_so_with_its_last_word(tmp_path):
    (tmp_path / "this.py").write_text(THIS)
    word = tmp_path / "termination-log"
    word.touch()
    code, _, wrong = run("-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}){UNREACHED}", str(word))
    assert code == 1
    assert "httpx.ConnectError" in wrong, "its log has all of it"
    said = word.read_text()
    assert said == f"{UNREACHED_AT}http://127.0.0.1:9/execution/: ConnectError: [Errno 111] Connection refused"
