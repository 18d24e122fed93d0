"""What is made once a machine and outlives a checkout: the programs of Kubernetes, the image's Python packages.

Each thing is a folder named by a hash of what it is made from. It appears complete or not at all, and two test runs
that need it at the same time make it once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def root() -> Path:
    """Give the folder of all of them, which anybody may remove at any time."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "airflow-mcp-provider"


def cached(name: str, ingredients: Iterable[bytes], make: Callable[[Path], None]) -> Path:
    """Give the folder that ``make`` fills, from the cache where it has been made before."""
    digest = hashlib.sha256(b"\0".join(ingredients)).hexdigest()[:16]
    folder = root() / f"{name}-{digest}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(f".{folder.name}.lock")):
            if not folder.is_dir():
                _make(folder, make)
    return folder


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        make(work)
        work.chmod(0o755)
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for whoever makes the same; the kernel lets go of the lock when its holder dies."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
