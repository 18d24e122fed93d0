"""Work that does what no process should: it ends within its limits, is told by its class, and never runs our code."""

from __future__ import annotations

import gzip
import os
import signal
import sys

import pytest

from airflow_mcp_provider.errors import SoftTimeout, SubtaskError
from airflow_mcp_provider.runtime import function
from airflow_mcp_provider.runtime.processes import SOFT
from tests.sizes import patient

LONG = f"{patient(60):g}s"
SOURCE = """
import atexit, concurrent.futures, gzip, logging, logging.handlers, multiprocessing, os, signal, subprocess, sys
import threading, time
from pathlib import Path
from airflow_mcp_provider.errors import SubtaskError

class Meta(type):
    __name__ = property(lambda cls: 1 / 0)
    def __getattribute__(cls, name):
        raise RuntimeError(name)

class Broken(LookupError, metaclass=Meta):
    @property
    def __class__(self):
        raise RuntimeError("no class")

class Empty(SubtaskError, LookupError):
    def __init__(self):
        pass

class Untold(SubtaskError, LookupError):
    kinds = 5
    trace = None
    def __init__(self):
        self.args = ()

def broken(subtask):
    raise Broken

def empty(subtask):
    raise Empty

def odd_name(subtask):
    kind = eval("type('E', (LookupError,), {})", {"__builtins__": {"type": type, "LookupError": LookupError}})
    kind.__qualname__ = "\\ud800\\0" + "x" * 100_000
    raise kind

def raising_hook(subtask):
    sys.excepthook = threading.excepthook = sys.unraisablehook = lambda *_: 1 / 0
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    raise LookupError("told")

def closed_print(subtask):
    sys.stdout.close()
    print("lost")

def closes_descriptors(subtask):
    threading.Thread(target=lambda: [os.write(1, b"x") for _ in iter(int, 1)], daemon=True).start()
    os.close(1)
    os.close(2)
    return "closed"

def no_streams(subtask):
    sys.stdout = sys.stderr = sys.stdin = None
    print("nowhere")
    return "none"

def leaves_at_once(subtask):
    os._exit(0)

def thread_leaves_at_once(subtask):
    threading.Thread(target=os._exit, args=(0,)).start()
    time.sleep(600)

def forks(subtask):
    for code in (None, 3):
        if os.fork() == 0:
            atexit.register(Path(subtask["mark"] + str(code)).write_text, "left")
            if code:
                sys.exit(code)
            return "child"
        codes.append(os.waitstatus_to_exitcode(os.wait()[1]))
    return codes

codes = []

def forks_and_fails(subtask):
    if os.fork() == 0:
        raise LookupError("of the child")
    return os.waitstatus_to_exitcode(os.wait()[1])

def forks_at_exit(subtask):
    atexit.register(os.fork)
    threading.Thread(target=os.fork).start()
    return "parent"

def nobody(subtask):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(600)

def handlers(subtask):
    mark = subtask["mark"]
    memory = logging.handlers.MemoryHandler(100, target=logging.FileHandler(mark + ".log"))
    logging.getLogger("work").addHandler(memory)
    logging.getLogger("work").error("kept")
    packed = globals()["packed"] = gzip.open(mark + ".gz", "wt")
    packed.write("whole")
    order = Path(mark + ".order").open("a")
    binary = globals()["binary"] = Path(mark + ".bin").open("wb")
    binary.write(b"binary")
    atexit.register(order.write, "first registered, ")
    atexit.register(order.write, "last registered, ")
    atexit.register(lambda: 1 / 0)

def finishing_threads(subtask):
    for count in range(3):
        threading.Thread(target=lambda: (time.sleep(0.1), Path(subtask["mark"]).open("a").write("x"))).start()

def square(n):
    return n * n

def pools(subtask):
    found = []
    for kind in ("fork", "spawn"):
        context = multiprocessing.get_context(kind)
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            found += pool.map(square, [1, 2])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return found + list(pool.map(square, [3]))

def kept_pool(subtask):
    pool = globals()["pool"] = concurrent.futures.ThreadPoolExecutor(1)
    pool.submit(lambda: (time.sleep(0.1), Path(subtask["mark"]).write_text("done")))

def children_read(subtask):
    return subprocess.run(["cat"], capture_output=True, text=True, check=True).stdout

def handled(subtask):
    return [number for number in signal.valid_signals() if getattr(signal.getsignal(number), "__name__", "") == "runners"]
"""


@pytest.fixture
def job(module):
    return module(SOURCE)


@pytest.fixture
def run(do, job, tmp_path):
    return lambda name, **limits: do({"python": f"{job}:{name}"}, {"mark": str(tmp_path / "mark")}, **limits)


@pytest.mark.parametrize("name", ["broken", "empty", "odd_name", "raising_hook"])
def test_a_broken_exception_is_told_by_its_class(run, name):
    with pytest.raises(SubtaskError) as told:
        run(name)
    assert "LookupError" in told.value.kinds
    assert max(map(len, told.value.kinds)) < 600


@pytest.mark.parametrize(("name", "result"), [("closes_descriptors", "closed"), ("no_streams", "none")])
def test_closed_streams_harm_nothing(run, name, result):
    assert run(name) == result


def test_a_print_to_a_closed_stream_fails_as_in_any_program(run):
    with pytest.raises(SubtaskError, match="ValueError: I/O operation on closed file"):
        run("closed_print")


@pytest.mark.parametrize("name", ["leaves_at_once", "thread_leaves_at_once"])
def test_an_exit_before_the_return_is_no_success(run, name):
    with pytest.raises(SubtaskError, match="exit code 0 before the function returned") as told:
        run(name)
    assert told.value.kinds == ("WorkDied",)


def test_a_process_that_the_work_forks_ends_as_python_ends_one(run, tmp_path):
    runner = os.getpid()
    assert run("forks") == [0, 3]
    assert [(tmp_path / f"mark{code}").read_text() for code in (None, 3)] == ["left", "left"]
    assert run("forks_and_fails") == 1
    assert run("forks_at_exit") == "parent"
    assert os.getpid() == runner


def test_no_handler_of_the_runner_is_called_in_the_work(run):
    def runners(*_):
        raise AssertionError

    before = {number: signal.signal(number, runners) for number in (signal.SIGTERM, signal.SIGUSR2, signal.SIGHUP)}
    try:
        assert run("handled") == []
        with pytest.raises(SubtaskError, match="killed by SIGTERM"):
            run("nobody")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.skipif(sys.platform != "linux", reason="a pending signal is sent before the child runs")
def test_a_soft_limit_that_is_passed_before_the_work_begins_is_told(tmp_path):
    class Late(function.NoLine):
        def child(self):
            os.kill(os.getpid(), SOFT)

    pid = function.fork(lambda: 1, result=tmp_path / "result", line=Late())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with pytest.raises(SoftTimeout):
        function.read(tmp_path / "result", code)
    assert SOFT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_exit_handlers_run_in_pythons_order_and_write_all_out(run, tmp_path):
    assert run("handlers") is None
    assert (tmp_path / "mark.log").read_text() == "kept\n"
    assert (tmp_path / "mark.order").read_text() == "last registered, first registered, "
    assert (tmp_path / "mark.bin").read_bytes() == b"binary"
    assert gzip.decompress((tmp_path / "mark.gz").read_bytes()) == b"whole"


def test_threads_are_waited_for(run, tmp_path):
    run("finishing_threads")
    assert (tmp_path / "mark").read_text() == "xxx"
    run("kept_pool")
    assert (tmp_path / "mark").read_text() == "done"


def test_processes_and_pools_of_the_work(run):
    assert run("pools", hard=LONG) == [1, 4, 1, 4, 9]
    assert run("children_read", hard=LONG) == ""
