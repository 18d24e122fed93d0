"""Work that does not mind its time limits: it ends within them, and cleans up where Python can."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mcp_provider.errors import HardTimeout, SoftTimeout, SubtaskError
from tests.sizes import patient

LONG = f"{patient(60):g}s"
SOURCE = """
import asyncio, signal, time
from pathlib import Path

def begun(subtask):
    Path(subtask["begun"]).touch()

class Endless(LookupError):
    def __str__(self):
        begun(self.args[0])
        while True:
            time.sleep(0.01)

def endless(subtask):
    raise Endless(subtask)

def has_an_alarm(subtask):
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    begun(subtask)
    time.sleep(600)

async def later(subtask):
    try:
        begun(subtask)
        await asyncio.sleep(600)
    finally:
        await asyncio.sleep(0.01)
        Path(subtask["mark"]).write_text("clean")

def generates(subtask):
    def one():
        try:
            begun(subtask)
            time.sleep(600)
            yield 1
        finally:
            Path(subtask["mark"]).write_text("clean")
    return list(one())

def deaf(subtask):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
    begun(subtask)
    time.sleep(600)

def swallows(subtask):
    while True:
        try:
            begun(subtask)
            time.sleep(600)
        except Exception:
            pass
"""


@pytest.fixture
def run(do, module, tmp_path):
    job, payload = module(SOURCE), {name: str(tmp_path / name) for name in ("mark", "begun")}
    return lambda name, **limits: do({"python": f"{job}:{name}"}, payload, **limits)


@pytest.fixture
def run_into_soft(run, tmp_path):
    """The soft limit passes when the work has begun."""
    return lambda name, hard=LONG: run(name, soft="300ms", hard=hard, begun=tmp_path / "begun")


def test_a_text_without_an_end_is_ended_by_the_limits(run, run_into_soft):
    with pytest.raises(SubtaskError, match=r"no message: formatting it raised .*SoftTimeout") as told:
        run_into_soft("endless")
    assert "LookupError" in told.value.kinds
    with pytest.raises(HardTimeout):
        run("endless", hard="500ms")


@pytest.mark.parametrize("name", ["later", "generates"])
def test_the_soft_limit_cleans_up_in_coroutines_and_generators(run_into_soft, name, tmp_path):
    with pytest.raises(SoftTimeout):
        run_into_soft(name)
    assert Path(tmp_path / "mark").read_text() == "clean"


def test_the_soft_limit_holds_beside_an_alarm(run_into_soft):
    with pytest.raises(SoftTimeout):
        run_into_soft("has_an_alarm")


@pytest.mark.parametrize("name", ["deaf", "swallows"])
def test_work_that_takes_no_notice_of_the_soft_limit_ends_at_the_hard_one(run_into_soft, name):
    with pytest.raises(HardTimeout):
        run_into_soft(name, hard="1s")
