"""Relay the calls of a forked child to the supervisor of the task.

A task process has one socket to its supervisor, and frames have no sender: two processes that share it, or one that
dies in the middle of a call, would read each other's answers. So the child gets its own socket pair, and a thread in
the runner forwards whole frames. Private API of Airflow used here: ``task_runner.SUPERVISOR_COMMS`` with its ``socket``
and ``_thread_lock``, and the format of frames (4 bytes of length, big endian). tests/unit/test_airflow_contract.py
checks them.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from typing import Any

from airflow.sdk.execution_time import task_runner

from airflow_mcp_provider.operators import secrets

_HEADER = 4


class SupervisorLine:
    """The connection of ``runtime.function.Line``: created before the fork, used by both processes after it.

    ``places`` are those of secrets (see ``operators.secrets``), which are registered before the work starts.
    """

    def __init__(self, places: Iterable[str] = ()) -> None:
        secrets.register(places)
        self._ours, self._theirs = socket.socketpair()

    def child(self) -> None:
        """In the process of the work: send all calls of Airflow through the socket pair from now on."""
        self._ours.close()
        comms = _comms()
        comms.socket = self._theirs
        comms._thread_lock = threading.Lock()  # noqa: SLF001 - the fork may have copied it locked

    def parent(self) -> None:
        """In the runner: forward the child's calls until it ends."""
        self._theirs.close()
        threading.Thread(target=self._relay, daemon=True).start()

    def _relay(self) -> None:
        comms = _comms()
        while request := _frame(self._ours):
            secrets.register_from(request)
            with comms._thread_lock:  # noqa: SLF001 - the runner's own calls take turns with the child's
                comms.socket.sendall(request)
                answer = _frame(comms.socket)
            try:
                self._ours.sendall(answer)
            except OSError:  # killed while it waited: its answer was read, the supervisor's socket is in order
                break
        self._ours.close()


def _comms() -> Any:  # noqa: ANN401 - a private class
    return task_runner.SUPERVISOR_COMMS


def _frame(source: socket.socket) -> bytes:
    """Read one whole frame; empty when the other side has closed the connection."""
    source.settimeout(None)
    header = _exactly(source, _HEADER)
    if len(header) < _HEADER:
        return b""
    body = _exactly(source, int.from_bytes(header, "big"))
    return header + body


def _exactly(source: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        try:
            chunk = source.recv(count - len(data))
        except ConnectionError:
            break
        if not chunk:
            break
        data += chunk
    return bytes(data)
