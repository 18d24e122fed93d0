"""The forked work as a process of its own: its streams, its exit, and errors that are hard to tell."""

from __future__ import annotations

import pytest

from airflow_mcp_provider.errors import SoftTimeout, SubtaskError
from tests.sizes import patient

LONG = f"{patient(60):g}s"
SOURCE = """
import atexit, multiprocessing, os, signal, sys, threading, time
from pathlib import Path

def pools(subtask):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(abs, [-1, -2])

def first_descriptor(subtask):
    return [os.fstat(0).st_rdev == os.stat(os.devnull).st_rdev, sys.stdin.read(), open(os.devnull).fileno() > 2]

def closes(subtask):
    sys.stdout.close()
    sys.stderr.close()
    os.close(1)
    return "closed"

def closes_and_fails(subtask):
    sys.stdout = sys.stderr = None
    raise KeyError("told")

def exits_as_python(subtask):
    mark = Path(subtask["mark"])
    opened = mark.with_suffix(".open").open("w")
    globals()["kept"] = opened
    opened.write("flushed")
    atexit.register(mark.with_suffix(".exit").write_text, "called")
    def late():
        time.sleep(0.2)
        mark.write_text("joined")
    threading.Thread(target=late).start()

def never_exits(subtask):
    threading.Thread(target=time.sleep, args=(600,)).start()

def uses_the_alarm(subtask):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.alarm(0)
    time.sleep(600)

class Mute(LookupError):
    def __str__(self):
        raise RuntimeError("no words")

class NoText(LookupError):
    def __str__(self):
        return 5

class Nowhere(LookupError):
    __module__ = 5

class Last(BaseException):
    pass

def mute(subtask):
    raise Mute

def no_text(subtask):
    raise NoText

def nowhere(subtask):
    raise Nowhere

def last(subtask):
    raise Last

def group(subtask):
    raise ExceptionGroup("some", [ValueError(1)])
"""


@pytest.fixture
def job(module):
    return module(SOURCE)


@pytest.mark.parametrize(
    ("function", "result"),
    [("pools", [1, 2]), ("first_descriptor", [True, "", True]), ("closes", "closed")],
)
def test_streams_are_open_and_the_works_own(do, job, function, result):
    assert do({"python": f"{job}:{function}"}, hard=LONG) == result


def test_exits_as_python_exits(do, job, tmp_path):
    do({"python": f"{job}:exits_as_python"}, {"mark": str(tmp_path / "mark")})
    told = [(tmp_path / name).read_text() for name in ("mark", "mark.open", "mark.exit")]
    assert told == ["joined", "flushed", "called"]


@pytest.mark.parametrize("function", ["never_exits", "uses_the_alarm"])
def test_the_soft_limit_needs_no_alarm_and_holds_at_the_exit_too(do, job, function):
    with pytest.raises(SoftTimeout):
        do({"python": f"{job}:{function}"}, soft="500ms", hard=LONG)


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        ("closes_and_fails", "LookupError"),
        ("mute", "LookupError"),
        ("no_text", "LookupError"),
        ("nowhere", "LookupError"),
        ("last", "BaseException"),
        ("group", "ExceptionGroup"),
    ],
)
def test_any_exception_is_told_by_its_class(do, job, function, kind):
    with pytest.raises(SubtaskError) as told:
        do({"python": f"{job}:{function}"})
    assert kind in told.value.kinds
