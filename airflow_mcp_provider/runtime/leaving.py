"""The forked work's own beginning and end as a process: streams of its own, and an exit as Python exits.

What the runner had before the fork (exit handlers, open files, child processes) is the runner's to end.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
import threading
from contextlib import suppress


def flush_streams() -> None:
    """Flush what can be: the work may have closed or replaced its streams."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(BaseException):
            stream.flush()


def begin() -> None:
    """Give the work a standard input, and forget what the runner would do at its exit."""
    null = os.open(os.devnull, os.O_RDONLY)
    if null:
        os.dup2(null, 0)
        os.close(null)
    else:
        os.set_inheritable(0, True)  # noqa: FBT003 - the parameter has no name
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - open as long as the process is
    atexit._clear()  # noqa: SLF001 - the runner's handlers
    _forget_children()
    gc.freeze()  # so that ``end`` sees the work's own files only


def _forget_children() -> None:
    if util := sys.modules.get("multiprocessing.util"):
        sys.modules["multiprocessing.process"]._children.clear()  # noqa: SLF001 - has no public name
        util._finalizer_registry.clear()  # noqa: SLF001 - as multiprocessing does in its own children
        atexit.register(util._exit_function)  # noqa: SLF001 - was among the handlers that are cleared


def end() -> str:
    """Do what Python does at its exit: wait for threads, call exit handlers, write out open files."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public name
    atexit._run_exitfuncs()  # noqa: SLF001 - the process ends by os._exit, which calls none
    for kind in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom):
        for file in [each for each in gc.get_objects() if type(each) is kind]:
            with suppress(OSError, ValueError):
                file.flush()
    return ""
