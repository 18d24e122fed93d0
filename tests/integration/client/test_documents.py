"""The commands of docs/command-line.md and the programs of docs/client.md, in their order, on a real Airflow."""

import re
import subprocess
import sys

import pytest

from tests.integration.client.conftest import ROOT
from tests.sizes import patient

COMMANDS = [
    line
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "docs" / "command-line.md").read_text(), re.DOTALL)
    for line in re.findall(r"^\$ (mcp-jobs .*)$", block, re.MULTILINE)
]
PROGRAMS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "client.md").read_text(), re.DOTALL)


def test_each_command_of_the_page(shell, folder):
    assert len(COMMANDS) >= 14
    for command in COMMANDS:
        done = shell(command.replace("/usr/share", str(folder)))
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert done.stdout, command
        assert "Traceback" not in done.stderr


def test_airflow_mcp_has_the_same_commands(shell, airflow, jobs):
    def mcp(words):
        # The settings of a host of Airflow: its configuration has the address of the API server.
        return shell(f'"{sys.executable}" -m airflow mcp {words}', **airflow.environment())

    done = mcp("submit steered -c count=0 --wait -o json")
    assert done.returncode == 0, done.stderr
    assert '"state": "completed"' in done.stdout
    assert mcp("cancel steered nope").returncode == 7
    assert "airflow mcp [-h] COMMAND" in mcp("--help").stdout


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_each_program_of_the_page(number, airflow, folder):
    text = PROGRAMS[number].replace("http://localhost:8080", airflow.url).replace("/usr/share", str(folder))
    program = text.replace('password="…"', f"password={airflow.password!r}")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=patient(100), check=False
    )
    assert done.returncode == 0, done.stderr
