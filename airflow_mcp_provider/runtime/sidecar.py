"""The sidecar of a container pod: it serves ``$MCP_ENQUEUE`` and ``$MCP_RESULT`` in a folder shared with the work.

Runs beside the container of the work, in the runner's image, as a program that imports only the standard library: its
source is passed to ``python -c`` (see ``operators.container.manifest``). It prints what it reads, one JSON value per
line, and the runner reads that as the log of this container, so that the runner does not need the permission to execute
programs in pods. SIGTERM, which a sidecar gets when the container of the work has ended, makes it print the remaining
lines and the result.

    [1, "line written to the pipe"]
    [2, "another"]
    ["lost", "why lines, or the result, could not be read"]
    ["end", "the text of the result file"]
"""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

MOST = 1_100_000
"""Bytes of a result that are read: more than the limit of any result."""


def main(folder: Path) -> None:
    """Read lines until SIGTERM."""
    pipe, result = folder / "enqueue", folder / "result"
    os.umask(0)
    with suppress(FileExistsError):
        os.mkfifo(pipe, 0o666)
    files = folder / "enqueue.d"
    files.mkdir(0o777, exist_ok=True)
    wake = _woken_by(signal.SIGTERM)
    result.touch(0o666)
    # Read and write: the pipe then stays open between two writers, and opening it never blocks one.
    source = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    rest, count, over = b"", 0, False
    while not over:
        ready, _, _ = select.select([source, wake], [], [])
        over = wake in ready
        *lines, rest = (rest + _all(source)).split(b"\n")
        for line in [*lines, *([rest] if over else [])]:
            if line.strip():
                count += 1
                _emit(count, line)
    count = _emit_files(files, count)
    if not (pipe.exists() and os.path.samestat(os.fstat(source), pipe.lstat())):
        _emit("lost", b"the named pipe $MCP_ENQUEUE was removed or replaced")
    if others := sorted(path.name for path in folder.glob("enqueue*") if path not in {pipe, files}):
        _emit("lost", f"unexpected file {others[0]!r} next to $MCP_ENQUEUE, which is not read".encode())
    _emit("end", _head(result))


def _woken_by(number: signal.Signals) -> int:
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(number, lambda *_: None)
    return wake


def _all(source: int) -> bytes:
    taken = bytearray()
    with suppress(BlockingIOError):
        while chunk := os.read(source, 65536):
            taken += chunk
    return bytes(taken)


def _emit_files(files: Path, count: int) -> int:
    """Print the lines of all files in the directory; returns the new number of lines."""
    try:
        if files.is_symlink():
            raise OSError("it is a symbolic link")  # noqa: TRY301 - reported as any other reason
        for path in sorted(files.iterdir()):
            with _regular(path) as file:
                for line in file:
                    if line.strip():
                        count += 1
                        _emit(count, line.rstrip(b"\n"))
    except OSError as error:
        _emit("lost", f"$MCP_ENQUEUE_DIR cannot be read: {error}".encode())
    return count


def _head(result: Path) -> bytes:
    try:
        with _regular(result) as file:
            return file.read(MOST)
    except FileNotFoundError:
        pass
    except OSError as error:
        _emit("lost", f"$MCP_RESULT cannot be read: {error}".encode())
    return b""


def _regular(path: Path) -> BinaryIO:
    """Open a file; raises OSError for a link, which may lead out of the folder, and for a pipe, which has no end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(f"{path.name} is not a regular file")


def _emit(what: int | str, text: bytes) -> None:
    sys.stdout.write(json.dumps([what, text.decode(errors="surrogateescape")]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
