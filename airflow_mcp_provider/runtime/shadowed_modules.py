"""Files that hide a module of the standard library: a ``queue.py`` of a job breaks all that imports ``queue``.

Runs in the work's process, and only when an import has failed. The message of such an import tells of a name that is
not there; the file with the wrong name is what its author has to know.
"""

from __future__ import annotations

import sys
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

_INSTALLED = frozenset({"site-packages", "dist-packages"})


def hiding(error: BaseException) -> str:
    """Return the words that name each file which hides a module of the standard library; none: an empty text."""
    told = [f"{file} hides the module {name} of Python's standard library" for name, file in _hiding(error).items()]
    return f"{', '.join(told)}: give it another name" if told else ""


def is_standard(name: str) -> bool:
    """Tell whether a module of the standard library is what Python has loaded under ``name``."""
    if name not in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is None or _is_of_library(Path(file))


def _hiding(error: BaseException) -> dict[str, Path]:
    """Those that are loaded, and those that broke while they were loaded and are so no more."""
    found = {}
    for file in (*_loaded(), *_on_the_way(error)):
        name = file.parent.name if file.stem == "__init__" else file.stem
        if name in sys.stdlib_module_names and not _is_of_library(file):
            found[name] = file
    return found


def _loaded() -> Iterator[Path]:
    for name in sys.stdlib_module_names & sys.modules.keys():
        if file := getattr(sys.modules[name], "__file__", None):
            yield Path(file)


def _on_the_way(error: BaseException | None) -> Iterator[Path]:
    seen: set[int] = set()  # an author may have tied a circle
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield from (Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__))
        error = error.__context__ if error.__cause__ is None else error.__cause__


def _is_of_library(file: Path) -> bool:
    """Built-in and frozen code has no file, and hides nothing."""
    if not file.is_absolute() or _INSTALLED & set(file.parts):
        return True
    roots = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
    return any(file.resolve().is_relative_to(root) for root in roots)
