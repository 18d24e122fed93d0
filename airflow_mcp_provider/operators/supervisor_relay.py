"""The one seam to the task runner's private comms: lend the line to Airflow to a forked child.

A task process has one socket to its supervisor, and frames carry no owner: two processes that use it, or one that
dies in the middle of a call, would read each other's answers. So the child gets a socket pair of its own, and a
thread here passes whole frames on. Touched of Airflow: ``task_runner.SUPERVISOR_COMMS`` with its ``socket`` and
``_thread_lock``, and the frame's form (4 bytes of length, big endian). Named in tests/unit/test_airflow_contract.py.
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
    """A ``runtime.function.Line``: made before the fork, its two ends taken after it.

    ``places`` are those of secrets (see ``operators.secrets``): no work begins before they are known.
    """

    def __init__(self, places: Iterable[str] = ()) -> None:
        secrets.know(places)
        self._ours, self._theirs = socket.socketpair()

    def child(self) -> None:
        """In the work's process: all of Airflow's calls go through the pair from now on."""
        self._ours.close()
        comms = _comms()
        comms.socket = self._theirs
        comms._thread_lock = threading.Lock()  # noqa: SLF001 - the fork may have copied it locked

    def parent(self) -> None:
        """In the runner: pass the child's calls on until it is gone."""
        self._theirs.close()
        threading.Thread(target=self._relay, daemon=True).start()

    def _relay(self) -> None:
        comms = _comms()
        while request := _frame(self._ours):
            secrets.overhear(request)
            with comms._thread_lock:  # noqa: SLF001 - the runner's own calls take turns with the child's
                comms.socket.sendall(request)
                answer = _frame(comms.socket)
            try:
                self._ours.sendall(answer)
            except OSError:  # killed while it waited: its answer has been read, the line is clean
                break
        self._ours.close()


def _comms() -> Any:  # noqa: ANN401 - a private class
    return task_runner.SUPERVISOR_COMMS


def _frame(source: socket.socket) -> bytes:
    """Read one whole frame; empty when the other side is gone."""
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
