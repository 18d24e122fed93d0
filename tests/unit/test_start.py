"""How a runner starts in a pod: in a process of its own, as there."""

from __future__ import annotations

import json
import subprocess
import sys

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
