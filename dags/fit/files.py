"""Files that are whole or not there, and what is told of them instead of their content. Runs in command and report."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path


def stem_of(group: str) -> str:
    """Return a name for a group's files: readable, and another one for any other group."""
    digest = hashlib.sha256(group.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', group)[:100].lstrip('.')}-{digest}"


def write(path: Path, text: str) -> dict[str, str | int]:
    """Put ``text`` there by a rename, and return where it is, how large it is, and its checksum."""
    for left in path.parent.glob(f".{path.name}.*.part"):  # by a runner that was killed
        left.unlink(missing_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return told(path)


def told(path: Path) -> dict[str, str | int]:
    """Return what is told of a file."""
    content = path.read_bytes()
    return {"path": str(path), "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def is_there(known: dict[str, str | int]) -> bool:
    """Tell whether a file is still what it was when it was told."""
    with suppress(OSError):
        return told(Path(str(known["path"]))) == known
    return False
