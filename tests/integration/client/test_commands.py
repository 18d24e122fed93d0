"""Each command of mcp-jobs in a shell, on a real Airflow: what it does, what it prints, its exit code."""

import json

import pytest
import yaml

from tests.integration.client.conftest import until

pytestmark = pytest.mark.usefixtures("idle")


@pytest.fixture
def submitted(shell):
    """Submit a run of `steered` over the command line, and return its id."""

    def submit(job="steered", **conf):
        words = " ".join(f"-c {name}={value}" for name, value in conf.items())
        done = shell(f"mcp-jobs submit {job} {words} -o json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["run"]

    return submit


@pytest.fixture
def said(shell):
    """Run a command that succeeds, and return its output."""

    def run(command):
        done = shell(f"mcp-jobs {command}")
        assert (done.returncode, done.stderr) == (0, ""), (command, done.stdout)
        return done.stdout

    return run


def test_a_run_and_the_one_behind_it_until_the_queue_is_full(shell, said, submitted, jobs, tmp_path):
    go = tmp_path / "go"
    first = submitted(count=3, waits="leaf-1", file=go)
    until(lambda: at_rest(jobs.run("steered", first).progress), "two ended subtasks and one that waits")
    second = submitted(count=0)
    full = shell("mcp-jobs submit steered")
    assert (full.returncode, full.stdout) == (3, "")
    assert "steered: 1 runs are queued, and queue.max_pending is 1" in full.stderr
    assert "try again in" in full.stderr

    assert "3 known: 2 done, 1 running" in said(f"status {first}")
    assert f"1st in the queue\nreason     {first} is running" in said(f"status steered {second}")
    assert [one["run"] for one in json.loads(said("list steered --state running -o json"))] == [first]
    assert [one["position"] for one in yaml.safe_load(said("list steered --state queued -o yaml"))] == [1]
    (shown,) = [one for one in json.loads(said("list --search steered -o json")) if one["job"] == "steered"]
    assert (shown["holder"]["run"], shown["queued"]) == (first, 1)

    assert said(f"tree {first}") == f"{first}\n└── ✔ root\n    ├── ▶ leaf-1  half of leaf-1\n    └── ✔ leaf-2\n"
    assert {one["parent"] for one in json.loads(said(f"tree {first} -o json"))} == {None, "root"}
    until(lambda: "leaf-2 | working on leaf-2" in said(f"logs {first} leaf-2"), "its log")

    go.touch()
    lines = said(f"logs {first} --follow")
    for name in ("root", "leaf-1", "leaf-2"):
        assert lines.count(f"working on {name}\n") == 1
    assert said(f"status {second} --wait -o json")


def at_rest(progress):
    """Two subtasks have ended, and so have their task instances; the third one has said what it does."""
    return progress and (progress.done, progress.running, progress.message) == (2, 1, "half of leaf-1")


def test_cancel(shell, submitted, jobs):
    run = submitted(count=1, waits="root")
    until(lambda: (now := jobs.run("steered", run).progress) and now.running, "running subtask")
    done = shell(f"mcp-jobs cancel {run} --reason 'not needed' --grace 0s --wait -o json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["running"] == 1
    again = shell(f"mcp-jobs status {run} --wait")
    assert again.returncode == 6
    assert "not needed" in again.stdout


def test_retry_runs_again_what_failed(shell, submitted, tmp_path):
    go = tmp_path / "go"
    run = submitted(count=3, fails="leaf-1", file=go)
    partial = shell(f"mcp-jobs status {run} --follow")
    assert partial.returncode == 4, partial.stderr
    assert "3 known: 2 done, 1 failed" in partial.stdout
    assert "LookupError: leaf-1 fails" in shell(f"mcp-jobs tree {run} --state failed").stdout
    go.touch()
    done = shell(f"mcp-jobs retry {run} --wait")
    assert done.returncode == 0, done.stderr
    assert "subtasks that run again: 1" in done.stderr
    assert "✔ leaf-1  attempt 2" in shell(f"mcp-jobs tree {run}").stdout


def test_pause_and_resume(shell, said, submitted):
    assert "paused" in said("pause steered")
    run = submitted(count=0)
    waiting = shell(f"mcp-jobs status {run} --wait --timeout 2s")
    assert (waiting.returncode, waiting.stdout) == (10, "")
    assert "paused" in said(f"status {run}")
    assert not json.loads(said("resume steered -o json"))["paused"]
    assert "completed" in said(f"status {run} --wait")


@pytest.mark.parametrize(
    ("words", "code", "state"),
    [
        ("steered -c count=2", 0, "completed"),
        ("strict -c fails=root", 1, "error"),
        ("steered -c count=2 -c fails=leaf-1", 4, "partial"),
        ("hasty", 5, "timeout"),
    ],
)
def test_the_exit_code_is_the_outcome(shell, words, code, state):
    done = shell(f"mcp-jobs submit {words} --wait -o json")
    assert (done.returncode, json.loads(done.stdout)["state"]) == (code, state), done.stderr
