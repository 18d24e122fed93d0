"""The door's other half, where the work has a pod of its own: ``$MCP_ENQUEUE`` and ``$MCP_RESULT`` in a shared folder.

Runs beside the work's container, in the runner's image, as a program without any import but the standard library: its
text is given to ``python -c`` (see ``operators.container.manifest``). What it takes it prints, a JSON value a line, and
the runner reads that as this container's log: so nobody needs the right to look into pods. SIGTERM, which a
sidecar gets when the work's container has ended, makes it print the rest and the result.

    [1, "line written to the pipe"]
    [2, "another"]
    ["lost", "why lines, or the result, could not be taken"]
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
"""Bytes of a result that are read: more than any result may have."""


def main(folder: Path) -> None:
    """Take lines until SIGTERM."""
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
                _say(count, line)
    count = _say_files(files, count)
    if not (pipe.exists() and os.path.samestat(os.fstat(source), pipe.lstat())):
        _say("lost", b"the work removed or replaced the pipe $MCP_ENQUEUE")
    if others := sorted(path.name for path in folder.glob("enqueue*") if path not in {pipe, files}):
        _say("lost", f"the work left {others[0]!r} beside $MCP_ENQUEUE, where nobody reads it".encode())
    _say("end", _head(result))


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


def _say_files(files: Path, count: int) -> int:
    """Print the lines of all files in the directory; returns how many lines there were, with those before."""
    try:
        if files.is_symlink():
            raise OSError("it is a link")  # noqa: TRY301 - told as any other reason
        for path in sorted(files.iterdir()):
            with _regular(path) as file:
                for line in file:
                    if line.strip():
                        count += 1
                        _say(count, line.rstrip(b"\n"))
    except OSError as error:
        _say("lost", f"$MCP_ENQUEUE_DIR cannot be read: {error}".encode())
    return count


def _head(result: Path) -> bytes:
    try:
        with _regular(result) as file:
            return file.read(MOST)
    except FileNotFoundError:
        pass
    except OSError as error:
        _say("lost", f"$MCP_RESULT cannot be read: {error}".encode())
    return b""


def _regular(path: Path) -> BinaryIO:
    """Open a file; raises OSError for a link, which may lead out of the folder, and a pipe, which never ends."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(f"{path.name} is no regular file")


def _say(what: int | str, text: bytes) -> None:
    sys.stdout.write(json.dumps([what, text.decode(errors="surrogateescape")]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
