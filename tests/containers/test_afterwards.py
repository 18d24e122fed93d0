"""What an engine of our own leaves behind when the tests are killed: nothing.

Stands first by its name: one machine has one engine at a time, and the other tests keep theirs until the end.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.containers.engine import ROOT, answers, install, missing, output
from tests.sizes import patient

HOLD = """
from tests.containers.engine import engine
with engine() as docker:
    print(docker.env["DOCKER_HOST"].removeprefix("unix://"), flush=True)
    input()
"""


def traces(folder):
    found = [str(folder)] if folder.exists() else []
    found += [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(folder) in line]
    for command in (["ps", "-eo", "args"], ["ip", "link"], ["iptables", "-S"], ["iptables", "-t", "nat", "-S"]):
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        found += [line for line in lines if str(folder) in line or "docker0" in line or "DOCKER" in line]
    return found


@pytest.mark.parametrize("ready", [True, False], ids=["when it is ready", "while it starts"])
def test_an_engine_ends_with_the_one_who_started_it(ready):
    if reason := missing() or (answers() and "an engine that is not ours runs here"):
        pytest.skip(reason)
    install()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        folder = Path(owner.stdout.readline().strip()).parent if ready else starting()
        assert traces(folder)
        os.kill(owner.pid, signal.SIGKILL)
    until = time.monotonic() + patient(60)
    while left := traces(folder):
        assert time.monotonic() < until, left
        time.sleep(0.2)


def starting():
    """The folder of an engine whose process has just begun."""
    until = time.monotonic() + patient(60)
    while not (found := re.search(r"dockerd --data-root=(\S+)/data ", output(["ps", "-eo", "args"]))):
        assert time.monotonic() < until
        time.sleep(0.01)
    return Path(found[1])
