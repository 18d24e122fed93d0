"""The files of the pages: ES modules and icons, found once when the API server starts.

A file is looked up by its name, so a request cannot reach another place of the disk, and a folder has no listing.
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


def find(name: str) -> File | None:
    """Return the file with a name relative to ``static``; None where there is none."""
    path = _names().get(name)
    return None if path is None else _read(path, path.stat().st_mtime_ns)


@cache
def _names() -> dict[str, Path]:
    return {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.suffix in TYPES}


@cache
def _read(path: Path, _changed: int) -> File:
    content = path.read_bytes()
    return File(content, TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
