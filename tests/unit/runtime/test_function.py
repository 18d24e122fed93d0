from __future__ import annotations

import os
import subprocess

import psutil
import pytest

from airflow_mcp_provider.errors import HardTimeout, SoftTimeout, SubtaskError
from tests.sizes import patient

LONG = f"{patient(60):g}s"
LEAVES = """
import os, signal, subprocess, sys, time
from pathlib import Path

def answer(subtask):
    return {"twice": 2 * subtask["n"]}

def with_params(subtask, params):
    return subtask["n"] + params["n"]

def nothing():
    return None

async def later(subtask):
    import asyncio
    await asyncio.sleep(0.01)
    return "later"

class Blocked(ConnectionError):
    pass

def fails(subtask):
    raise Blocked("no way in")

def three(a, b, c):
    return 1

def no_json(subtask):
    return {1, 2}

def too_much(subtask):
    return "x" * 70_000

def exits(subtask):
    os._exit(3)

def leaves(subtask):
    sys.exit("enough")

def is_killed(subtask):
    os.kill(os.getpid(), signal.SIGKILL)

def crashes(subtask):
    import ctypes
    ctypes.string_at(0)

def cleans_up(subtask):
    from airflow_mcp_provider.runtime import SoftTimeout
    try:
        Path(subtask["begun"]).touch()
        time.sleep(600)
    except SoftTimeout:
        Path(subtask["mark"]).write_text("clean")
        return "partial"

async def cleans_up_async(subtask):
    import asyncio
    try:
        Path(subtask["begun"]).touch()
        await asyncio.sleep(600)
    finally:
        Path(subtask["mark"]).write_text("clean")

def sleeps(subtask):
    time.sleep(600)

def stubborn(subtask):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    Path(subtask["mark"]).write_text(f"{os.getpid()} {child.pid}")
    Path(subtask["begun"]).touch()
    sum(range(10 ** 12))

def leaves_a_daemon(subtask):
    child = subprocess.Popen(["sh", "-c", "sleep 300 & echo $!"], stdout=subprocess.PIPE, start_new_session=True)
    return int(child.stdout.readline())
"""


@pytest.fixture
def job(module):
    return module(LEAVES)


def test_returns_what_the_function_returns(do, job):
    assert do({"python": f"{job}:answer"}, {"n": 21}) == {"twice": 42}
    assert do({"python": f"{job}:with_params"}, {"n": 1}, {"n": 2}) == 3
    assert do({"python": f"{job}:nothing"}) is None
    assert do({"python": f"{job}:later"}) == "later"


def test_an_exception_comes_out_by_name_message_and_trace(do, job):
    with pytest.raises(SubtaskError, match=f"{job}.Blocked: no way in") as told:
        do({"python": f"{job}:fails"})
    assert told.value.kinds[:3] == (f"{job}.Blocked", "ConnectionError", "OSError")
    assert 'raise Blocked("no way in")' in told.value.trace


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("three", r"\(a, b, c\) cannot be called with \(subtask, params\): missing argument c"),
        ("missing", "has no attribute 'missing'"),
        ("no_json", "the result is not plain JSON"),
        ("too_much", "70002 bytes; expected at most 65535"),
        ("exits", "ended with exit code 3"),
        ("leaves", "SystemExit: enough"),
        ("is_killed", r"killed by SIGKILL \(out of memory\?\)"),
        ("crashes", "killed by SIGSEGV"),
    ],
)
def test_every_end_of_the_work_is_told(do, job, function, message):
    with pytest.raises(Exception, match=message):
        do({"python": f"{job}:{function}"})


def test_a_missing_module_says_where_it_must_be(do):
    with pytest.raises(SubtaskError, match="no module named 'no_such'; install it in the runner"):
        do({"python": "no_such.module:f"})


@pytest.mark.parametrize("function", ["cleans_up", "cleans_up_async"])
def test_the_soft_limit_can_be_caught_to_clean_up(do, job, tmp_path, function):
    mark, begun = tmp_path / "mark", tmp_path / "begun"
    work, payload = {"python": f"{job}:{function}"}, {"mark": str(mark), "begun": str(begun)}
    limits = {"soft": "200ms", "hard": LONG, "begun": begun}
    if function == "cleans_up":
        assert do(work, payload, **limits) == "partial"
    else:
        with pytest.raises(SoftTimeout):
            do(work, payload, **limits)
    assert mark.read_text() == "clean"


def test_the_soft_limit_not_caught_fails_the_subtask(do, job):
    with pytest.raises(SoftTimeout, match=r"timeouts\.soft passed"):
        do({"python": f"{job}:sleeps"}, soft="200ms", hard=LONG)


@pytest.mark.timeout(60)  # the loop would last for five minutes
def test_the_hard_limit_ends_a_c_loop_with_signals_blocked_and_its_children(do, job, tmp_path):
    mark, begun = tmp_path / "mark", tmp_path / "begun"
    with pytest.raises(HardTimeout, match=r"timeouts\.hard \(1 s\) passed"):
        do({"python": f"{job}:stubborn"}, {"mark": str(mark), "begun": str(begun)}, hard="1s", begun=begun)
    for pid in map(int, mark.read_text().split()):
        assert not psutil.pid_exists(pid)


def test_nothing_is_left_running_after_a_success(do, job):
    assert not psutil.pid_exists(do({"python": f"{job}:leaves_a_daemon"}))


def test_processes_that_were_there_before_stay(do, job):
    with subprocess.Popen(["sleep", "600"]) as bystander:
        do({"python": f"{job}:answer"}, {"n": 1})
        assert bystander.poll() is None
        bystander.kill()


def test_the_work_leaves_no_trace_in_the_runner(do, job):
    before = dict(os.environ)
    do({"python": f"{job}:answer"}, {"n": 1})
    assert dict(os.environ) == before
