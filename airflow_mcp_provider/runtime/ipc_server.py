"""The server for calls of the work: a Unix socket for Python, a named pipe and a directory for any program.

Runs in the runner, beside the work, which is another process. Python code sends a request through the socket and waits
for the answer. Any program may write a line of JSON to the pipe (``echo '{"path": "a"}' > $MCP_ENQUEUE``). These lines
are enqueued as they arrive, the last ones before the work counts as successful. The lines of files in the directory
``$MCP_ENQUEUE_DIR`` are enqueued at the end of the work.
"""

from __future__ import annotations

import json
import os
import select
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

from airflow_mcp_provider.errors import EnqueueRefused, InvalidPayload, McpError, TryAgain
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.calls import SOCKET
from airflow_mcp_provider.runtime.json_values import reject_duplicates
from airflow_mcp_provider.runtime.payload import Child, batches, child_of
from airflow_mcp_provider.runtime.processes import is_descendant
from airflow_mcp_provider.runtime.work_files import content

PIPE = "MCP_ENQUEUE"
FILES = "MCP_ENQUEUE_DIR"
ENQUEUE, ENQUEUE_FILES = "enqueue", "enqueue.d"
"""The file names of the pipe and of the directory, in the runner and in a container."""
_PEER = struct.Struct("3i")
"""Linux's struct ucred: the process, user and group at the other end of a socket."""
MAX_LINE_BYTES = 64 * 1024 * 1024
MAX_PIPE_LINE_BYTES = 1_000_000
"""A payload has at most 32 KB."""
_AT_ONCE = 1_000_000
ENVELOPE = {"payload", "key", "job"}
"""The fields of a line that has more than a payload."""

Requested: TypeAlias = tuple[Any, str | None, str | None]
"""A payload, its key and its job, as received."""


class Channel(Protocol):
    """The client of the API server; the operators provide it."""

    def enqueue(self, children: Sequence[Child]) -> int:
        """Store the subtasks; returns how many are new."""

    def progress(self, fraction: float, message: str) -> None:
        """Show the progress of the subtask; may be delayed by up to 2 s."""


class IpcServer:
    """The server for one subtask: a context manager around its work.

    ``folder`` is private to this runner and short (the path of a socket has at most 107 characters); ``key_field`` is
    the spec's ``subtasks.key``. Enter the context before the work is forked (it creates the paths), call ``listen``
    after the fork (a fork loses threads), and ``drain`` when the work has ended.
    """

    def __init__(self, folder: Path, channel: Channel, key_field: str | None = None) -> None:
        self.channel = channel
        self.key_field = key_field
        self.environment = {
            SOCKET: str(folder / "door"),
            PIPE: str(folder / ENQUEUE),
            FILES: str(folder / ENQUEUE_FILES),
        }
        self._failures: list[McpError] = []
        self._thread: threading.Thread | None = None
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        os.mkfifo(self.environment[PIPE], 0o600)
        Path(self.environment[FILES]).mkdir(0o700)
        # Read and write: the pipe then stays open between two writers, and opening it never blocks one.
        self._pipe = os.open(self.environment[PIPE], os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake = os.pipe()
        self._server = _Server(self.environment[SOCKET], self._answer)
        return self

    def listen(self) -> None:
        """Start to answer requests, in a thread."""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Enqueue the lines that are still in the pipe, and those of the files; raises the first error of any line."""
        self._stop()
        self._checked(self._take_files)
        self._checked(self._check_pipe)
        self._checked(lambda: check_neighbours(Path(self.environment[PIPE]).parent))
        if self._failures:
            raise self._failures[0]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()
        self._server.server_close()
        for descriptor in (self._pipe, *self._wake):
            os.close(descriptor)

    def _stop(self) -> None:
        if self._thread is not None:
            os.write(self._wake[1], b".")
            self._thread.join()
            self._thread = None

    def _serve(self) -> None:
        sources: list[Any] = [self._server, self._pipe, self._wake[0]]
        ended = False
        while not ended:
            ready, _, _ = select.select(sources, [], [])
            ended = self._wake[0] in ready
            if self._server in ready:
                self._server.handle_request()
            self._read_pipe(last=ended)

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            if request["op"] == "progress":
                self.channel.progress(request["fraction"], request["message"])
                return {}
            return {"new": self._enqueue(request["children"])}
        except McpError as error:
            return {"error": {"type": type(error).__name__, "message": str(error)}}
        except Exception as error:  # noqa: BLE001 - the caller waits for an answer
            return {"error": {"type": TryAgain.__name__, "message": f"{type(error).__name__}: {error}"}}

    def _enqueue(self, requested: Sequence[Requested]) -> int:
        children = [child_of(payload, key, self.key_field, job) for payload, key, job in requested]
        return sum(self.channel.enqueue(batch) for batch in batches(children))

    def _read_pipe(self, *, last: bool) -> None:
        """Read at most ``_AT_ONCE`` bytes, so that the socket is served in between; with ``last`` read everything."""
        taken = bytearray()
        with suppress(BlockingIOError):
            while (last or len(taken) < _AT_ONCE) and (chunk := os.read(self._pipe, 65536)):
                taken += chunk
        self._take_lines(taken, last=last)

    def _take_lines(self, taken: bytearray, *, last: bool) -> None:
        if len(self._buffer) > MAX_PIPE_LINE_BYTES and b"\n" not in taken and not last:
            return  # rejected below; the rest of the line is dropped
        *lines, rest = (self._buffer + taken).split(b"\n")
        self._buffer = bytearray() if last else rest
        if len(rest) > MAX_PIPE_LINE_BYTES:
            message = f"line in $MCP_ENQUEUE too long; expected at most {MAX_PIPE_LINE_BYTES} bytes"
            self._failures.append(InvalidPayload(message))
        wanted = [*lines, *([rest] if last else [])]
        if not self._failures:
            self._checked(lambda: self._enqueue_lines(wanted))

    def _enqueue_lines(self, lines: Sequence[bytes | bytearray], place: str = "$MCP_ENQUEUE") -> None:
        if wanted := [line for line in lines if line.strip()]:
            self._enqueue([_from_line(line, place) for line in wanted])

    def _checked(self, take: Callable[[], None]) -> None:
        """Record any error: a line that was not enqueued must fail the subtask."""
        try:
            take()
        except McpError as error:
            self._failures.append(error)
        except Exception as error:  # noqa: BLE001 - see above
            self._failures.append(TryAgain(f"{type(error).__name__}: {error}"))

    def _take_files(self) -> None:
        try:
            paths = sorted(Path(self.environment[FILES]).iterdir())
        except OSError as error:
            raise InvalidPayload(f"the directory $MCP_ENQUEUE_DIR cannot be read: {error.strerror}") from None
        for path in paths:
            found = content(path, f"{path.name!r} in $MCP_ENQUEUE_DIR", MAX_LINE_BYTES)
            self._enqueue_lines(found.split(b"\n"), f"$MCP_ENQUEUE_DIR/{path.name}")

    def _check_pipe(self) -> None:
        """Raise InvalidPayload when the work removed or replaced the pipe, because lines may be lost."""
        ours = os.fstat(self._pipe)
        with suppress(OSError):
            if os.path.samestat(ours, os.lstat(self.environment[PIPE])):
                return
        raise InvalidPayload(
            "the named pipe $MCP_ENQUEUE was removed or replaced, lines may be lost; expected writes to the pipe "
            '(> "$MCP_ENQUEUE"), or files in the directory $MCP_ENQUEUE_DIR'
        )


def check_neighbours(folder: Path) -> None:
    """Raise InvalidPayload for a file next to the pipe, as of ``split found "$MCP_ENQUEUE_DIR"`` without a slash."""
    there = {path.name for path in folder.glob(f"{ENQUEUE}*")}
    if others := sorted(there - {ENQUEUE, ENQUEUE_FILES}):
        raise InvalidPayload(
            f"unexpected file {others[0]!r} next to $MCP_ENQUEUE, which is not read; expected files in the "
            'directory $MCP_ENQUEUE_DIR ("$MCP_ENQUEUE_DIR/" where a program takes a prefix)'
        )


def _from_line(line: bytes | bytearray, place: str) -> Requested:
    """Read ``{"payload": {…}, "key": "…", "job": "…"}`` with optional key and job, or the bare payload."""
    try:
        value = json.loads(line, object_pairs_hook=reject_duplicates)
    except (ValueError, RecursionError):
        given = redaction.shown(line.decode(errors="replace"))
        raise InvalidPayload(f"invalid line {given} in {place}; expected one JSON object per line") from None
    if isinstance(value, dict) and isinstance(value.get("payload"), dict):
        if unknown := sorted(value.keys() - ENVELOPE):
            raise InvalidPayload(
                f"unknown field {redaction.shown(', '.join(unknown))} beside payload; expected payload, key, job "
                '(write a payload that has a field named payload as {"payload": {…}})'
            )
        return value["payload"], value.get("key"), value.get("job")
    if isinstance(value, dict) and "payload" in value and len(value) > 1 and value.keys() <= ENVELOPE:
        given = redaction.shown(value["payload"])
        others = ", ".join(sorted(value.keys() - {"payload"}))
        raise InvalidPayload(f"invalid payload {given} in a line with {others}; expected a JSON object")
    return value, None, None


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str, answer: Callable[[bytes], dict[str, Any]]) -> None:
        super().__init__(path, _Handler)
        self.answer = answer


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        answer = self.server.answer(self.rfile.readline(MAX_LINE_BYTES)) if _is_ours(self.connection) else _FOREIGN
        with suppress(OSError):  # the caller was killed and does not wait any more
            self.wfile.write(json.dumps(answer).encode() + b"\n")


_FOREIGN = {
    "error": {
        "type": EnqueueRefused.__name__,
        "message": "the calling process does not belong to this subtask: it was not started by the runner",
    }
}


def _is_ours(connection: socket.socket) -> bool:
    """Return whether the caller is a child of the runner; where the kernel has no such option (macOS), always True."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    peer, _, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return is_descendant(peer)
