"""What stands beside a container's pod: run as it is there, a bare interpreter with its text."""

import inspect
import json
import os
import subprocess
import sys

import pytest

from airflow_mcp_provider.runtime import sidecar
from tests.sizes import patient
from tests.unit.waiting import is_read, until


@pytest.fixture
def opened(tmp_path):
    argv = [sys.executable, "-I", "-S", "-c", inspect.getsource(sidecar), str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: is_read(tmp_path / "enqueue"))
        yield process, tmp_path
        process.kill()


def ended(process):
    process.terminate()
    out, _ = process.communicate(timeout=patient(60))
    return [json.loads(line) for line in out.splitlines()]


def test_lines_come_one_by_one_and_the_rest_with_the_result_at_the_end(opened):
    process, folder = opened
    with (folder / "enqueue").open("w") as pipe:
        pipe.write('{"a": 1}\n\n')
    assert json.loads(process.stdout.readline()) == [1, '{"a": 1}']
    with (folder / "enqueue").open("wb") as pipe:
        pipe.write(b'{"b": "\xff"}\n{"c": 3}')
    (folder / "result").write_text("[1]\n")
    second, third, end = ended(process)
    assert second[1].encode(errors="surrogateescape") == b'{"b": "\xff"}'
    assert (third, end) == ([3, '{"c": 3}'], ["end", "[1]\n"])


def test_whoever_runs_the_work_may_write(opened):
    process, folder = opened
    assert [(folder / name).stat().st_mode & 0o777 for name in ("enqueue", "result")] == [0o666, 0o666]
    assert ended(process) == [["end", ""]]


def test_a_result_that_was_taken_away_is_none(opened):
    process, folder = opened
    (folder / "result").unlink()
    assert ended(process) == [["end", ""]]


def test_files_are_read_at_the_end(opened):
    process, folder = opened
    (folder / "enqueue.d" / "a").write_text('{"a": 1}\n{"a": 2}')
    assert ended(process) == [[1, '{"a": 1}'], [2, '{"a": 2}'], ["end", ""]]


def test_a_replaced_pipe_is_told(opened):
    process, folder = opened
    (folder / "line").write_text('{"a": 1}')
    (folder / "line").rename(folder / "enqueue")
    assert ended(process) == [["lost", "the named pipe $MCP_ENQUEUE was removed or replaced"], ["end", ""]]


@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_what_is_no_file_is_told(opened, kind):
    process, folder = opened
    secret = folder / "secret"
    secret.write_text("[1]")
    (folder / "result").unlink()
    for path in (folder / "enqueue.d" / "x", folder / "result"):
        {"link": lambda path: path.symlink_to(secret), "pipe": os.mkfifo, "directory": os.mkdir}[kind](path)
    first, second, end = ended(process)
    assert (first[0], first[1].partition(":")[0]) == ("lost", "$MCP_ENQUEUE_DIR cannot be read")
    assert (second[0], second[1].partition(":")[0]) == ("lost", "$MCP_RESULT cannot be read")
    assert end == ["end", ""]


def test_a_link_in_the_place_of_the_directory_is_told(opened, tmp_path_factory):
    process, folder = opened
    other = tmp_path_factory.mktemp("other")
    (other / "a").write_text("{}")
    (folder / "enqueue.d").rmdir()
    (folder / "enqueue.d").symlink_to(other)
    assert ended(process) == [["lost", "$MCP_ENQUEUE_DIR cannot be read: it is a symbolic link"], ["end", ""]]
