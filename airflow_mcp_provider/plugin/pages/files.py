"""The files of the pages: ES modules and icons, read once when the API server starts.

A file is looked up by its name, so a request cannot reach another place of the disk, and a folder has no listing. The
name begins with the version of all files together: a page never gets modules of two releases, whatever a browser has
kept, and while a release replaces another one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"
TYPES: Final = {".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
"""Not by ``mimetypes``: it reads tables of the system, and a browser runs a module only with a type of JavaScript."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the pages; ``etag`` depends on its content alone."""

    content: bytes
    media_type: str
    etag: str


def address(name: str) -> str:
    """Return a name with the version, for ``find``."""
    return f"{version()}/{name}"


def find(versioned: str) -> File | None:
    """Return the file with a name relative to ``static`` after the version; None where there is none."""
    given, _, name = versioned.partition("/")
    return _files().get(name) if given == version() else None


@cache
def version() -> str:
    """Return the version: it depends on the names and the contents of all files."""
    return _hash("".join(f"{name} {file.etag}\n" for name, file in sorted(_files().items())).encode())[:16]


@cache
def _files() -> dict[str, File]:
    found = [path for path in STATIC.rglob("*") if path.suffix in TYPES]
    return {path.relative_to(STATIC).as_posix(): _read(path) for path in found}


def _read(path: Path) -> File:
    content = path.read_bytes()
    return File(content, TYPES[path.suffix], f'"{_hash(content)[:32]}"')


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
