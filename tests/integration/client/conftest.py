"""One Airflow with the jobs of ``dags/`` and of the examples, for all tests of the client and the command line."""

import os
import re
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from airflow_mcp_provider.client import JobClient, RunState
from airflow_mcp_provider.embedded.airflow import USER, Embedded
from tests.sizes import CALM, patient

ROOT = Path(__file__).parents[3]
SHOP = ROOT / "examples" / "web_shop"
OWN = Path(__file__).parent / "dags"
TOKENS = {"AIRFLOW__API_AUTH__JWT_CLI_EXPIRATION_TIME": "1", "AIRFLOW__API_AUTH__JWT_LEEWAY": "0"}
"""A token of ``POST /auth/token/cli`` is valid for a second: for a test of expired ones."""
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


@pytest.fixture(scope="package")
def airflow():
    with Embedded(dags=[ROOT / "dags", SHOP / "dags", OWN], env={**CALM, **TOKENS}) as embedded:
        for job in ("inventory", "sales_report", "steered", "strict", "hasty"):
            embedded.api.wait_for_dag(job, patient(120))
        yield embedded


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    """A directory tree for the job `inventory`."""
    made = tmp_path_factory.mktemp("tree")
    for number in range(6):
        (made / f"part-{number}").mkdir()
        (made / f"part-{number}" / "code.py").write_text("one = 1\n")
    return made


@pytest.fixture(scope="package")
def jobs(airflow):
    with JobClient(airflow.url, user=USER, password=airflow.password, patience=patient(60)) as client:
        yield client


@pytest.fixture(scope="package")
def environment(airflow, jobs, tmp_path_factory):
    """A shell in which mcp-jobs is installed and knows the server."""
    own = tmp_path_factory.mktemp("shell")
    program = own / "mcp-jobs"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m airflow_mcp_provider.console.main "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (own / "production.json").write_text(f'{{"api_url": "{airflow.url}"}}')
    more = {"PATH": f"{own}:{os.environ['PATH']}", "AIRFLOW_HOME": str(own), "AIRFLOW_CLI_TOKEN": jobs.token()}
    return {**os.environ, **more, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}


@pytest.fixture(scope="package")
def here(tmp_path_factory):
    """The working directory of commands: some write files."""
    return tmp_path_factory.mktemp("here")


@pytest.fixture
def idle(jobs):
    """End what a test has left of the job `steered`, and resume it."""
    yield
    jobs.resume("steered")
    for one in jobs.runs("steered", states=(RunState.QUEUED, RunState.RUNNING, RunState.CANCELLING)):
        jobs.cancel("steered", one.run, grace=0)
        jobs.wait("steered", one.run, timeout=patient(60))


Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="package")
def shell(environment, here) -> Shell:
    """Run a command as a user enters it, with its output in pipes."""

    def run(command, **variables):
        words, env = ["bash", "-c", command], {**environment, **variables}
        limit = patient(200)
        return subprocess.run(words, env=env, cwd=here, capture_output=True, text=True, timeout=limit, check=False)

    return run


@pytest.fixture(scope="package")
def terminal(environment, here):
    """Run a command in a terminal of 40 lines with 120 columns; ends with the context."""

    @contextmanager
    def run(command):
        words = shlex.split(command)
        child = pexpect.spawn(
            words[0],
            words[1:],
            env=environment,
            cwd=str(here),
            dimensions=(40, 120),
            encoding="utf-8",
            timeout=patient(100),
        )
        try:
            yield child
        finally:
            child.close(force=True)

    return run


def plain(child) -> str:
    """Return what was shown before the last match, without colors and moves of the cursor."""
    return ESCAPES.sub("", child.before)


def ended(child) -> int:
    """Return the exit code of a program that ends by itself."""
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus


def until(look, what: str, seconds: float = 100):
    """Wait until ``look`` returns something true, and return that."""
    end = time.monotonic() + patient(seconds)
    while not (found := look()):
        assert time.monotonic() < end, f"no {what} after {seconds} s"
        time.sleep(0.2)
    return found
