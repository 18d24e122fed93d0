"""What is in a file: its language, its lines, and a hash to find its duplicates by.

The second half of a subtask, and most of its cost. A file is read once, in pieces, so that one of a million
lines (or of one long line) needs no more memory than a small one.
"""

import hashlib
import os
import stat
from dataclasses import dataclass, replace

from .languages import language_of
from .listing import File, reason
from .names import to_text

HASH_CHARS = 16
Row = list[str | int | None]
_PIECE_BYTES = 1 << 18
_HEAD_BYTES = 8192
"""A NUL byte in this much of a file's beginning makes it binary, as for ``git`` and ``grep``."""
# No blocking: should a pipe have taken the file's place since it was listed, opening it returns at once.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Facts:
    """What a result says of one file.

    ``lines`` is None for a binary file, ``hash`` for an empty one, both for one that was not read: then
    ``problem`` says why. ``inode`` tells a file's further names from copies of it: None where it has no
    further name.
    """

    name: str
    language: str
    size: int
    lines: int | None = None
    hash: str | None = None
    inode: str | None = None
    problem: str | None = None

    def row(self) -> Row:
        """Return the form that a result holds: a list, without the Nones at its end."""
        row: Row = [self.name, self.language, self.size, self.lines, self.hash, self.inode, self.problem]
        while row[-1] is None:
            row.pop()
        return row


def facts(directory: int, file: File, *, read_limit: int) -> Facts:
    """Read a file of the open ``directory``; what goes wrong is said in ``problem``."""
    try:
        descriptor = os.open(file.name, _OPEN, dir_fd=directory)
    except OSError as error:
        return _unread(file, file.size, reason(error))
    try:
        return _opened(descriptor, file, read_limit)
    except OSError as error:
        return _unread(file, file.size, reason(error))
    finally:
        os.close(descriptor)


def _opened(descriptor: int, file: File, read_limit: int) -> Facts:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return _unread(file, 0, "no longer a regular file")
    inode = f"{status.st_dev:x}:{status.st_ino:x}" if status.st_nlink > 1 else None
    if status.st_size > read_limit:
        return replace(_unread(file, status.st_size, "larger than read_limit"), inode=inode)
    return replace(_content(descriptor, file.name, status.st_size), inode=inode)


def _unread(file: File, size: int, problem: str) -> Facts:
    name = to_text(file.name)
    return Facts(name, language_of(name, b"", binary=False), size, problem=problem)


def _content(descriptor: int, name: str, size: int) -> Facts:
    """Read ``size`` bytes at most: a log that grows as fast as it is read has an end, too."""
    digest = hashlib.sha256()
    piece = head = os.read(descriptor, min(_PIECE_BYTES, size))
    binary = b"\0" in head[:_HEAD_BYTES]
    lines = done = 0
    while piece:
        digest.update(piece)
        lines += 0 if binary else piece.count(b"\n")
        done += len(piece)
        piece = os.read(descriptor, min(_PIECE_BYTES, size - done))
    shown = to_text(name)
    language = language_of(shown, head, binary=binary)
    return Facts(shown, language, done, None if binary else lines, digest.hexdigest()[:HASH_CHARS] if done else None)
