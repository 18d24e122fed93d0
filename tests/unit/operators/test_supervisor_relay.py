"""The lent line, between real processes and the task runner's real comms over a real socket."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import msgspec
import pytest
from airflow.sdk._shared.secrets_masker import _secrets_masker
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import (
    CommsDecoder,
    GetVariable,
    ToSupervisor,
    ToTask,
    VariableResult,
    _RequestFrame,
    _ResponseFrame,
)
from airflow.sdk.log import mask_secret
from pydantic import TypeAdapter

from airflow_mcp_provider.operators.supervisor_relay import SupervisorLine
from airflow_mcp_provider.runtime import redaction
from tests.sizes import patient


class Supervisor(threading.Thread):
    """Answers GetVariable with its key, after ``delay`` seconds, and keeps the secrets that it is told."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.ours, theirs = socket.socketpair()
        self.delay = delay
        self.asked: list[str] = []
        self.secrets: list[object] = []
        task_runner.SUPERVISOR_COMMS = CommsDecoder[ToTask, ToSupervisor](
            socket=theirs, body_decoder=TypeAdapter[ToTask](ToTask)
        )

    def run(self) -> None:
        decoder = msgspec.msgpack.Decoder(_RequestFrame)
        while header := self.ours.recv(4, socket.MSG_WAITALL):
            frame = decoder.decode(self.ours.recv(int.from_bytes(header, "big"), socket.MSG_WAITALL))
            if frame.body["type"] == "MaskSecret":
                self.secrets.append(frame.body["value"])
                self.ours.sendall(_ResponseFrame(id=frame.id, body=None).as_bytes())
                continue
            self.asked.append(frame.body["key"])
            time.sleep(self.delay)
            answer = VariableResult(key=frame.body["key"], value="v-" + frame.body["key"])
            self.ours.sendall(_ResponseFrame(id=frame.id, body=answer.model_dump()).as_bytes())


@pytest.fixture
def supervisor():
    had = getattr(task_runner, "SUPERVISOR_COMMS", None)
    one = Supervisor()
    one.start()
    yield one
    one.ours.shutdown(socket.SHUT_RDWR)
    one.join(patient(30))
    one.ours.close()
    if had is None:
        del task_runner.SUPERVISOR_COMMS
    else:
        task_runner.SUPERVISOR_COMMS = had


def ask(key: str) -> str:
    return task_runner.SUPERVISOR_COMMS.send(GetVariable(key=key)).value


def forked(line: SupervisorLine, body) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            line.child()
            code = body() or 0
        finally:
            os._exit(code)
    line.parent()
    return pid


def test_child_and_runner_ask_at_once(supervisor):
    def body() -> int:
        return 0 if all(ask(f"c{n}") == f"v-c{n}" for n in range(200)) else 1

    pid = forked(SupervisorLine(), body)
    assert all(ask(f"r{n}") == f"v-r{n}" for n in range(200))
    assert os.waitpid(pid, 0)[1] == 0
    assert len(supervisor.asked) == 400


def test_a_child_killed_in_the_middle_of_a_call_leaves_the_line_clean(supervisor):
    supervisor.delay = 0.3
    pid = forked(SupervisorLine(), lambda: ask("from child") and 0)
    while not supervisor.asked:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    supervisor.delay = 0
    assert ask("after") == "v-after"


def test_a_secret_that_the_child_makes_known_is_known_here_before_the_child_goes_on(supervisor):
    def body() -> int:
        mask_secret("hunter-of-the-child")
        return 0

    masker = _secrets_masker()
    kept = set(masker.patterns), masker.replacer
    try:
        pid = forked(SupervisorLine(), body)
        assert os.waitpid(pid, 0)[1] == 0
        assert "hunter-of-the-child" in supervisor.secrets
        assert redaction.text("x hunter-of-the-child") == "x ***"
    finally:
        masker.patterns, masker.replacer = kept
