"""Find files that shadow a module of the standard library: a job's ``queue.py`` breaks every import of ``queue``.

Runs in the process of the work, only after a failed import. Python's message names only the missing attribute; the
author of the job needs the path of the file to rename.
"""

from __future__ import annotations

import sys
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

_INSTALLED = frozenset({"site-packages", "dist-packages"})


def shadowing(error: BaseException) -> str:
    """Return a message with each file that shadows a module of the standard library; an empty text for none."""
    found = [f"{file} shadows the module {name} of Python's standard library" for name, file in _found(error).items()]
    return f"{', '.join(found)}: rename it" if found else ""


def is_standard(name: str) -> bool:
    """Return whether ``name`` is a module of the standard library that is not shadowed."""
    if name not in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is None or _is_of_library(Path(file))


def _found(error: BaseException) -> dict[str, Path]:
    """Search the loaded modules, and those in the traceback, which failed while they were loaded."""
    found = {}
    for file in (*_loaded(), *_in_traceback(error)):
        name = file.parent.name if file.stem == "__init__" else file.stem
        if name in sys.stdlib_module_names and not _is_of_library(file):
            found[name] = file
    return found


def _loaded() -> Iterator[Path]:
    for name in sys.stdlib_module_names & sys.modules.keys():
        if file := getattr(sys.modules[name], "__file__", None):
            yield Path(file)


def _in_traceback(error: BaseException | None) -> Iterator[Path]:
    seen: set[int] = set()  # the chain of causes may be circular
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield from (Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__))
        error = error.__context__ if error.__cause__ is None else error.__cause__


def _is_of_library(file: Path) -> bool:
    """Return whether a file belongs to Python or to an installed package; built-in and frozen code has no file."""
    if not file.is_absolute() or _INSTALLED & set(file.parts):
        return True
    roots = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
    return any(file.resolve().is_relative_to(root) for root in roots)
