"""The guard, on processes that behave badly. What it ends carries its mark; nothing else may be touched."""

import os
import subprocess
import sys
import time

import pytest

from airflow_mcp_provider.embedded import reaper

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
RUNAWAY = (  # a child in a session of its own, whose parent is gone
    "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
    " start_new_session=True); print('up', flush=True)"
)
TITLED = "import setproctitle, time; setproctitle.setproctitle('x' * 200); print('up', flush=True); time.sleep(60)"


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
    process.wait(timeout=5)


def test_one_name_ends_and_the_others_live(home):
    one, two = start(home, STUBBORN), start(home, STUBBORN, "scheduler-2")
    other = start(f"{home}2", STUBBORN)
    try:
        reaper.kill(home, {"scheduler-1"})
        assert one.wait(timeout=5) < 0
        assert [process.pid for process in reaper.marked(home)] == [two.pid]
        reaper.kill(home)
        assert two.wait(timeout=5) < 0
        assert other.poll() is None, "another home is none of our business"
    finally:
        other.kill()
        other.wait()


def test_the_end_of_the_owner_ends_everything(home, tmp_path):
    process = start(home, STUBBORN)
    folder = tmp_path / "temporary"
    folder.mkdir()
    watch = subprocess.Popen([sys.executable, "-I", reaper.__file__, home, str(folder)], stdin=subprocess.PIPE)
    time.sleep(0.3)
    assert process.poll() is None
    watch.stdin.close()  # as the kernel does for an owner that was killed
    watch.wait(timeout=10)
    assert process.wait(timeout=5) < 0
    assert not folder.exists()
