"""The program of stdio: how it ends, and what is on stdout."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.sizes import patient

VERSION = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
FIRST = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": VERSION}


@pytest.fixture
def program():
    words = [sys.executable, "-m", "airflow_mcp_provider.console.main", "agents", "--url", "http://127.0.0.1:9"]
    pipe = subprocess.PIPE
    env = {**os.environ, "AIRFLOW_CLI_TOKEN": "x"}
    with subprocess.Popen(words, env=env, stdin=pipe, stdout=pipe, stderr=pipe) as made:
        yield made
        made.kill()


def send(program, *lines):
    program.stdin.write(b"".join(line + b"\n" for line in lines))
    program.stdin.flush()
    return json.loads(program.stdout.readline())


def test_what_is_no_message_is_left_out(program):
    assert send(program, json.dumps(FIRST).encode())["id"] == 0
    garbage = (b"\xff\xfe\0", b"", b"{}", b"null", b"[]", json.dumps([FIRST]).encode(), b"x" * 2_000_000)
    found = send(program, *garbage, json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode())
    assert found == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert program.communicate(timeout=patient(60)) == (b"", b"")
    assert program.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_stdin_is_open(program, number):
    assert send(program, json.dumps(FIRST).encode())["id"] == 0
    program.send_signal(number)
    assert program.wait(patient(60)) == -number
    assert (program.stdout.read(), program.stderr.read()) == (b"", b"")
