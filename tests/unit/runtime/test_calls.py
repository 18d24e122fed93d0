from __future__ import annotations

import subprocess
import sys

import pytest

from airflow_mcp_provider import errors
from airflow_mcp_provider.runtime import enqueue, progress

CALLS = """
import multiprocessing, subprocess, sys, threading
from airflow_mcp_provider.errors import LimitReached, InvalidPayload
from airflow_mcp_provider.runtime import enqueue, enqueue_many, progress

def twice(subtask):
    return [enqueue({"n": 1}, key="one"), enqueue({"n": 2}, key="one"), enqueue({"n": 3})]

def many(subtask):
    return enqueue_many(({"n": i} for i in range(2500)), key=lambda p: f"k{p['n']}")

def others(subtask):
    alone = [enqueue({"n": 1}), enqueue({"n": 1}, job="b"), enqueue({"n": 1}, job="b")]
    return [*alone, enqueue_many(({"n": n} for n in range(2)), key=lambda p: f"k{p['n']}", job="c")]

def by_field(subtask):
    enqueue({"url": "http://a/", "more": [1]})

def from_threads(subtask):
    threads = [threading.Thread(target=enqueue, args=({"n": n},)) for n in range(50)]
    [t.start() for t in threads]; [t.join() for t in threads]

def child(n):
    enqueue({"n": n})

def from_processes(subtask):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.map(child, range(20))
    code = "from airflow_mcp_provider.runtime import enqueue; enqueue({'n': 99})"
    subprocess.run([sys.executable, "-c", code], check=True)

def until_refused(subtask):
    for n in range(100):
        try:
            enqueue({"n": n})
        except LimitReached as error:
            return [n, str(error)]

def refused(subtask):
    for n in range(100):
        enqueue({"n": n})

def hostile(subtask):
    told = []
    for payload, key in [("text", None), ({"a": {1}}, None), ({"a": float("nan")}, None), ({"a": "\\ud800"}, None),
                         ({"a": "x" * 40_000}, None), ({}, ""), ({}, "k" * 2001), ({}, "\\udcff"), ({}, 5)]:
        try:
            enqueue(payload, key=key)
        except InvalidPayload as error:
            told.append(str(error))
    return told

def shows(subtask):
    progress(0.5, "half")
    progress(1)

def shows_oddly(subtask):
    for fraction in (float("nan"), float("inf"), 10 ** 400, -1):
        progress(fraction)
    progress(0.5, "\\0" + "x" * 1_000_000)

def shows_deep(subtask):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    progress(0.5, deep)
"""


@pytest.fixture
def job(module):
    return module(CALLS)


def test_a_key_is_one_subtask(do, job, ledger):
    assert do({"python": f"{job}:twice"}) == [True, False, True]
    assert ledger.children["one"] == {"n": 1}
    assert len(ledger.children) == 2


def test_many_at_once(do, job, ledger):
    assert do({"python": f"{job}:many"}) == 2500
    assert list(ledger.children)[-1] == "k2499"


def test_runs_of_another_job_beside_its_own(do, job, ledger):
    assert do({"python": f"{job}:others"}, key_field="n") == [True, True, False, 2]
    assert ledger.children == {"1": {"n": 1}, 'b {"n":1}': {"n": 1}, "k0": {"n": 0}, "k1": {"n": 1}}
    assert ledger.jobs == {'b {"n":1}': "b", "k0": "c", "k1": "c"}


def test_the_key_is_a_field_of_the_payload(do, job, ledger):
    do({"python": f"{job}:by_field"}, key_field="url")
    assert list(ledger.children) == ["http://a/"]


def test_the_field_must_be_there(do, job):
    with pytest.raises(
        errors.SubtaskError, match=r"field 'path', which subtasks\.key names; .*fields of the payload: more, url"
    ):
        do({"python": f"{job}:by_field"}, key_field="path")


@pytest.mark.parametrize(("function", "count"), [("from_threads", 50), ("from_processes", 21)])
def test_from_anywhere(do, job, ledger, function, count):
    do({"python": f"{job}:{function}"})
    assert len(ledger.children) == count


def test_the_enqueuer_is_told_of_the_limit(do, job, ledger):
    ledger.limit = 7
    count, message = do({"python": f"{job}:until_refused"})
    assert count == len(ledger.children) == 7
    assert message == "the run would have 8 subtasks; the limit is 7"


def test_a_limit_that_is_not_caught_fails_the_subtask_by_its_name(do, job, ledger):
    ledger.limit = 7
    with pytest.raises(errors.SubtaskError) as told:
        do({"python": f"{job}:refused"})
    assert "airflow_mcp_provider.errors.EnqueueRefused" in told.value.kinds


def test_every_hostile_payload_is_a_named_error(do, job, ledger):
    told = do({"python": f"{job}:hostile"})
    assert len(told) == 9
    assert ledger.children == {}
    assert "of type str; expected a JSON object (a dict)" in told[0]
    assert "40008 bytes; expected at most 32768: put the data in an object store" in told[4]


def test_progress(do, job, ledger):
    do({"python": f"{job}:shows"})
    assert ledger.shown == [(0.5, "half"), (1.0, "")]


def test_odd_progress_is_shown_as_far_as_it_can_be(do, job, ledger):
    do({"python": f"{job}:shows_oddly"})
    assert [fraction for fraction, _ in ledger.shown] == [0.0, 1.0, 1.0, 0.0, 0.5]
    assert ledger.shown[-1][1] == "\\0" + "x" * 499


def test_a_message_that_cannot_be_shown_fails_no_subtask(do, job, ledger):
    do({"python": f"{job}:shows_deep"})
    assert ledger.shown == [(0.5, "message of type list: str() raised RecursionError")]


def test_outside_of_a_subtask(monkeypatch):
    monkeypatch.delenv("MCP_SOCKET", raising=False)
    with pytest.raises(errors.RunIsOver, match="work only inside a running subtask"):
        enqueue({"a": 1})
    monkeypatch.setenv("MCP_SOCKET", "/nowhere/socket")
    with pytest.raises(errors.RunIsOver, match="has ended"):
        progress(1)


RUNNER = """
import sys
from pathlib import Path
from airflow_mcp_provider.runtime.ipc_server import IpcServer
with IpcServer(Path(sys.argv[1]), None) as server:
    server.listen()
    print(server.environment["MCP_SOCKET"], flush=True)
    input()
"""


def test_a_process_that_the_runner_has_not_started_is_refused(tmp_path, monkeypatch):
    argv = [sys.executable, "-c", RUNNER, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        monkeypatch.setenv("MCP_SOCKET", runner.stdout.readline().strip())
        with pytest.raises(errors.EnqueueRefused, match="does not belong to this subtask"):
            enqueue({"n": 1})
        runner.kill()
