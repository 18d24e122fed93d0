"""What one directory holds, without opening any of its files.

The first half of a subtask: cheap, so it tells how much work there is before the first file is read. Symbolic
links are counted and never followed, so a circle of them has no end to miss; what is no regular file (a pipe,
a socket, a device) is counted and never opened, for that could block forever.
"""

import fnmatch
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .names import from_text, to_text

ROOT = "."
# What a file, and a directory, add to a subtask's result beside their names: at most, in bytes of JSON.
_FILE_CHARS = 120
_DIRECTORY_CHARS = 160
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Load:
    """How much work something is, and how much of the result it will fill."""

    directories: int = 0
    files: int = 0
    content: int = 0
    result: int = 0

    def __add__(self, other: Self) -> "Load":
        return Load(
            self.directories + other.directories,
            self.files + other.files,
            self.content + other.content,
            self.result + other.result,
        )

    def share_of(self, quota: Self) -> float:
        """Return how often this fills ``quota``, by the measure that fills it most."""
        return max(
            self.directories / quota.directories,
            self.files / quota.files,
            self.content / quota.content,
            self.result / quota.result,
        )


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: its name as the operating system has it, and its size."""

    name: str
    size: int

    @property
    def load(self) -> Load:
        """What reading it costs."""
        return Load(files=1, content=self.size, result=_FILE_CHARS + len(json.dumps(to_text(self.name))))


@dataclass(frozen=True, slots=True)
class Listing:
    """A directory's entries by kind; ``directories`` are paths below the root.

    ``problem`` tells why it could not be listed.
    """

    path: str
    files: tuple[File, ...] = ()
    directories: tuple[str, ...] = ()
    links: int = 0
    broken_links: int = 0
    special: int = 0
    excluded: int = 0
    problem: str | None = None

    @property
    def load(self) -> Load:
        """What it costs to read its files, its sub-directories not included."""
        return sum((file.load for file in self.files), self.own_load)

    @property
    def own_load(self) -> Load:
        """What it costs without its files."""
        return Load(directories=1, result=_DIRECTORY_CHARS + len(json.dumps(self.path)))


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree to walk: its root, the names to leave out, the only device to enter (None: any)."""

    root: Path
    excluded: re.Pattern[str]
    device: int | None

    @classmethod
    def at(cls, root: Path, exclude: Iterable[str], *, other_file_systems: bool) -> Self:
        """Look at the root; raises OSError when it is no directory that can be read."""
        with opened(root) as directory:
            device = os.fstat(directory).st_dev
        # An empty alternative would match every name: without a pattern, nothing does.
        pattern = "|".join(fnmatch.translate(glob) for glob in exclude) or r"(?!)"
        return cls(root, re.compile(pattern), None if other_file_systems else device)

    def place(self, path: str) -> Path:
        """Return where a path of a payload is on this machine."""
        return self.root / from_text(path)

    def list(self, path: str, wanted: Callable[[str], bool]) -> Listing:
        """List what is ``wanted`` of one directory of the tree; what goes wrong is said in ``problem``."""
        try:
            with opened(self.place(path)) as directory:
                if self.device not in {None, os.fstat(directory).st_dev}:
                    return Listing(path, problem="another file system")
                return self._sorted(path, directory, wanted)
        except OSError as error:
            return Listing(path, problem=reason(error))

    def _sorted(self, path: str, directory: int, wanted: Callable[[str], bool]) -> Listing:
        files: list[File] = []
        directories: list[str] = []
        links = broken_links = special = excluded = 0
        with os.scandir(directory) as entries:
            for entry in entries:
                if not wanted(entry.name):
                    continue
                if self.excluded.match(entry.name):
                    excluded += 1
                elif entry.is_symlink():
                    links += 1
                    broken_links += _is_broken(entry)
                elif entry.is_dir(follow_symlinks=False):
                    directories.append(child(path, to_text(entry.name)))
                elif entry.is_file(follow_symlinks=False):
                    files.append(File(entry.name, _size(entry)))
                else:
                    special += 1
        return Listing(
            path,
            tuple(sorted(files, key=lambda file: file.name)),
            tuple(sorted(directories)),
            links=links,
            broken_links=broken_links,
            special=special,
            excluded=excluded,
        )


def child(directory: str, name: str) -> str:
    """Return the path of something in ``directory``, below the root."""
    return name if directory == ROOT else f"{directory}/{name}"


@contextmanager
def opened(place: Path) -> Iterator[int]:
    """Open a directory, and no link that took its place meanwhile."""
    directory = os.open(place, _OPEN)
    try:
        yield directory
    finally:
        os.close(directory)


def reason(error: OSError) -> str:
    """Say what the operating system said, without the path: that stands beside it."""
    return error.strerror or type(error).__name__


def _is_broken(link: os.DirEntry[str]) -> bool:
    try:
        link.stat()
    except PermissionError:  # its target may well be there
        return False
    except OSError:
        return True
    return False


def _size(file: os.DirEntry[str]) -> int:
    try:
        return file.stat(follow_symlinks=False).st_size
    except OSError:  # gone, or a directory that may be listed only: reading it will say so
        return 0
