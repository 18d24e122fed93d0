"""The end of a container: at its time limit, and while its runner is ended; the program `docker` here has files as containers."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from airflow_mcp_provider.errors import SoftTimeout, SubtaskError
from airflow_mcp_provider.runtime import processes, soft_stop
from airflow_mcp_provider.runtime.docker import Docker, Limits
from airflow_mcp_provider.runtime.docker_removal import Removal
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.spec import Timeouts, parse_subtask
from tests.sizes import patient
from tests.unit.waiting import until

ENGINE = """#!/bin/sh
case $1 in
  run) touch "${2#--name=}"; echo $$ > process; exec sleep 600 ;;
  kill) echo "$2" >> signals; [ "$(wc -l < signals)" -gt "${STARTS_AFTER:-0}" ] && kill "$(cat process)" ;;
  rm)
    echo "$4" >> asked; sleep ${TAKES:-0.2}
    [ "$(wc -l < asked)" != "${CREATED_BEFORE:-0}" ] || touch "$4"
    [ ! -e "$4" ] || { rm "$4"; echo "$4"; echo "$4" >> removed; } ;;
esac
"""
KILLED = """
import os, signal, sys
from airflow_mcp_provider.runtime import processes
from airflow_mcp_provider.runtime.docker_removal import Removal
removal = Removal()
removal.prepare(sys.argv[1], "one")
processes.kill_all()
if sys.argv[2] == "waiting":
    print("waiting", flush=True)
    removal.finish(60)
os.killpg(0, signal.SIGKILL)
"""


@pytest.fixture
def docker(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "docker"
    program.write_text(ENGINE)
    program.chmod(0o755)
    return str(program)


def test_a_cancel_does_not_kill_the_removal(docker, tmp_path, monkeypatch):
    monkeypatch.setenv("TAKES", "2")  # seconds; a round of kill_all takes up to one
    monkeypatch.setattr("airflow_mcp_provider.runtime.docker._ANSWER_S", patient(60))
    engine, over = Docker(docker, "place", {}, Limits(), name="one"), threading.Event()

    def cancel():
        until((tmp_path / "one").exists)
        while not over.is_set():  # as the thread of soft_stop, which is not faster than the runner
            soft_stop._stop()

    thread = threading.Thread(target=cancel)
    thread.start()
    work, before = parse_subtask({"container": {"image": "tool:1"}}), set(processes._spared)
    try:
        with pytest.raises(SubtaskError, match="killed by SIGKILL"):
            perform(work, Call(((), ()), "", {}, {}), channel=None, timeouts=Timeouts(), engine=engine)
    finally:
        over.set()
        thread.join()
    assert not (tmp_path / "one").exists()
    assert processes._spared == before


def test_a_container_that_starts_after_its_time_limit_is_asked_to_end(docker, tmp_path, monkeypatch):
    monkeypatch.setenv("STARTS_AFTER", "2")  # signals that do not reach it
    engine, work = Docker(docker, "place", {}, Limits(), name="one"), parse_subtask({"container": {"image": "tool:1"}})
    limits = Timeouts(soft=timedelta(seconds=1), hard=timedelta(seconds=patient(300)))
    with pytest.raises(SoftTimeout, match="received SIGTERM"):
        perform(work, Call(((), ()), "", {}, {}), channel=None, timeouts=limits, engine=engine)
    assert (tmp_path / "signals").read_text() == "--signal=TERM\n" * 3


@pytest.mark.parametrize("when", ["before", "waiting"])
def test_a_killed_runner_leaves_no_container(docker, tmp_path, when):
    (tmp_path / "one").touch()
    argv = [sys.executable, "-c", KILLED, docker, when]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as runner:
        if when == "waiting":
            assert runner.stdout.readline()
            until((tmp_path / "asked").exists)
            runner.send_signal(signal.SIGKILL)
    assert runner.returncode == -signal.SIGKILL
    until(lambda: not (tmp_path / "one").exists())


def test_a_container_that_is_created_late_is_removed(docker, tmp_path, monkeypatch):
    monkeypatch.setenv("CREATED_BEFORE", "2")  # the second try
    removal = Removal()
    removal.prepare(docker, "one")
    assert removal.finish(patient(30))
    until((tmp_path / "removed").exists)
    assert not (tmp_path / "one").exists()


def test_an_engine_that_does_not_answer_is_not_waited_for(docker, tmp_path):
    (tmp_path / "docker").write_text("#!/bin/sh\nwhile [ ! -e answer ]; do sleep 0.05; done\n")
    removal = Removal()
    removal.prepare(docker, "one")
    assert not removal.finish(0.1)
    assert removal.finish(0.1)  # nothing was prepared
    (tmp_path / "answer").touch()
