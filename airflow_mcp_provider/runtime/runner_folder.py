"""The private folder of one runner, with its socket, its pipe and its files, and the removal of abandoned folders.

A runner that is killed with SIGKILL cannot remove its folder. The next runner of the same user on the machine removes
it: each runner holds a lock on a file in its folder, and the kernel releases the lock when the process ends.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "mcp-"
LOCK = ".airflow-mcp-provider"
MOST_LOOKS = 200
"""The largest number of folders that a starting runner checks."""
MOST_ENTRIES = 10_000
"""The largest number of entries of the temporary directory that it reads."""


@contextmanager
def private_folder(*, sweeps: bool = True) -> Iterator[Path]:
    """Create a folder and remove it at the end; if it ``sweeps``, remove the folders of runners that have ended.

    Its path cannot be found by listing the temporary directory: the outer folder is not readable, and the inner one has
    a random name. A process of the same user can still change the mode, or read the path in ``/proc``.
    """
    if sweeps:
        sweep(Path(tempfile.gettempdir()))
    outer = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = _locked(outer)
    inner = outer / secrets.token_hex(8)
    inner.mkdir(0o700)
    outer.chmod(0o300)
    try:
        yield inner
    finally:
        _remove(outer)
        os.close(lock)


def _locked(folder: Path) -> int:
    """Lock the file before it gets its name: a file with this name that is not locked belongs to an ended runner."""
    new = folder / "new"
    lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    new.rename(folder / LOCK)
    return lock


def sweep(temporary: Path) -> None:
    """Remove the folders of ended runners of this user."""
    with suppress(OSError), os.scandir(temporary) as entries:
        found = (Path(one.path) for one in itertools.islice(entries, MOST_ENTRIES) if one.name.startswith(PREFIX))
        for folder in itertools.islice(found, MOST_LOOKS):
            _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    """Remove the folder unless it is not ours, is locked, or is being removed by another runner."""
    with suppress(OSError):
        there = folder.lstat()
        if there.st_uid != os.getuid() or not stat.S_ISDIR(there.st_mode) or not (folder / LOCK).is_file():
            return
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)
        finally:
            os.close(lock)


def _remove(folder: Path) -> None:
    with suppress(OSError):
        folder.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
