"""A runner's folder is gone with it, however it ends."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from airflow_mcp_provider.runtime import runner_folder
from airflow_mcp_provider.runtime.runner_folder import private_folder

HOLDER = """
from airflow_mcp_provider.runtime.runner_folder import private_folder
with private_folder() as inner:
    (inner / "file").write_text("x")
    print(inner, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def holder():
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=-1, stdout=-1, text=True) as process:
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_it_is_gone_at_the_end(temporary):
    with private_folder() as inner:
        assert inner.stat().st_mode & 0o777 == 0o700
        assert inner.parent.stat().st_mode & 0o777 == 0o300
    assert list(temporary.iterdir()) == []


def test_the_next_runner_removes_that_of_a_killed_one(holder):
    process, inner = holder
    with private_folder():
        assert (inner / "file").exists()  # it lives
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert inner.exists()
    with private_folder():
        assert not inner.parent.exists()


def test_other_folders_stay(temporary):
    for name in ("mcp-of-another-program", "other"):
        (temporary / name).mkdir()
    target = temporary / "target"
    target.mkdir()
    (target / runner_folder.LOCK).touch()
    (temporary / "mcp-link").symlink_to(target)
    (temporary / "mcp-pipe").mkdir()
    os.mkfifo(temporary / "mcp-pipe" / runner_folder.LOCK)
    with private_folder():
        pass
    assert len(list(temporary.iterdir())) == 5
    assert (target / runner_folder.LOCK).exists()
