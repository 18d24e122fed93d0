"""The guard, on processes that behave badly. What it ends carries its mark; nothing else may be touched."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded import reaper
from tests.sizes import patient
from tests.unit.waiting import until

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
RUNAWAY = (  # a child in a session of its own, whose parent is gone
    "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
    " start_new_session=True); print('up', flush=True)"
)
TITLED = "import setproctitle, time; setproctitle.setproctitle('x' * 200); print('up', flush=True); time.sleep(600)"


@pytest.fixture
def home(tmp_path):
    yield str(tmp_path)
    reaper.kill(str(tmp_path))


def start(home, code, name="scheduler-1"):
    env = {**os.environ, reaper.MARK: f"{home}#{name}", "SPT_NOENV": "1"}
    process = subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout.readline() == b"up\n"
    return process


@pytest.mark.parametrize("code", [STUBBORN, RUNAWAY, TITLED])
def test_whatever_they_do_they_end(home, code):
    process = start(home, code)
    assert reaper.marked(home)
    reaper.terminate(home, grace=0.3)
    assert not reaper.marked(home)
    process.wait(timeout=patient(30))


def test_one_name_ends_and_the_others_live(home):
    one, two = start(home, STUBBORN), start(home, STUBBORN, "scheduler-2")
    other = start(f"{home}2", STUBBORN)
    try:
        reaper.kill(home, {"scheduler-1"})
        assert one.wait(timeout=patient(30)) < 0
        assert [process.pid for process in reaper.marked(home)] == [two.pid]
        reaper.kill(home)
        assert two.wait(timeout=patient(30)) < 0
        assert other.poll() is None, "another home is none of our business"
    finally:
        other.kill()
        other.wait()


def _waits(watch):
    """Return whether the guard ignores SIGTERM: it does so before it reads."""
    found = re.search(r"SigIgn:\s*(\w+)", Path(f"/proc/{watch.pid}/status").read_text())
    return int(found.group(1), 16) & 1 << signal.SIGTERM - 1


def test_the_end_of_the_owner_ends_everything(home, tmp_path):
    process = start(home, STUBBORN)
    folder = tmp_path / "temporary"
    folder.mkdir()
    watch = subprocess.Popen([sys.executable, "-I", reaper.__file__, home, str(folder)], stdin=subprocess.PIPE)
    until(lambda: _waits(watch))
    assert process.poll() is None
    watch.stdin.close()  # as the kernel does for an owner that was killed
    watch.wait(timeout=patient(60))
    assert process.wait(timeout=patient(30)) < 0
    assert not folder.exists()
