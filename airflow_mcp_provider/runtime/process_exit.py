"""Start and exit of the forked work as a process: its own streams, and the exit sequence of Python.

Exit handlers, open files and child processes of the runner stay with the runner and are not touched by the fork.
"""

from __future__ import annotations

import atexit
import gc
import io
import logging
import os
import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn


def flush_streams() -> None:
    """Flush stdout and stderr, ignoring errors: the work may have closed or replaced them."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(BaseException):
            stream.flush()


def begin() -> None:
    """Give the work its own standard input, and unregister the exit handlers of the runner."""
    null = os.open(os.devnull, os.O_RDONLY)
    if null:
        os.dup2(null, 0)
        os.close(null)
    else:
        os.set_inheritable(0, True)  # noqa: FBT003 - the parameter has no name
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - open as long as the process is
    atexit._clear()  # noqa: SLF001 - the runner's handlers
    weakref.finalize._registry.clear()  # type: ignore[attr-defined]  # noqa: SLF001 - the runner's, too
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]  # noqa: SLF001 - was cleared
    _forget_log_handlers()
    _forget_children()
    gc.freeze()  # so that ``end`` finds only the files of the work


def _forget_log_handlers() -> None:
    """Forget the runner's log handlers, whose buffers would be written twice; the work's own are closed at its exit."""
    logging._handlerList.clear()  # type: ignore[attr-defined]  # noqa: SLF001 - has no public name
    atexit.register(logging.shutdown)


def _forget_children() -> None:
    if util := sys.modules.get("multiprocessing.util"):
        sys.modules["multiprocessing.process"]._children.clear()  # noqa: SLF001 - has no public name
        util._finalizer_registry.clear()  # noqa: SLF001 - as multiprocessing does in its own children
        atexit.register(util._exit_function)  # noqa: SLF001 - was among the handlers that are cleared


def end() -> str:
    """Do what Python does at its exit: wait for threads, call exit handlers, flush files. Returns an empty text."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public name
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 - the process ends by os._exit, which calls none
        _write_out()
    return ""


def _write_out() -> None:
    """Flush text files, close files that write a trailer (compressed ones), then flush the files below."""
    files = [each for each in gc.get_objects() if issubclass(type(each), io.IOBase)]
    for step in (_flush_text, _close_others, _flush_rest):
        for file in files:
            with suppress(Exception):
                step(file)


def _flush_text(file: io.IOBase) -> None:
    if isinstance(file, io.TextIOBase):
        file.flush()


def _close_others(file: io.IOBase) -> None:
    if not type(file).__module__.startswith("_"):  # not Python's own layers of a file
        file.close()


def _flush_rest(file: io.IOBase) -> None:
    file.flush()


def of_this_process(step: Callable[[], str]) -> str:
    """Call ``step`` and return its result; a child that ``step`` forked exits here instead of returning."""
    own, failure = os.getpid(), None
    try:
        return step()
    except BaseException as error:
        failure = error
        raise
    finally:
        if os.getpid() != own:
            _leave(failure)


def _leave(failure: BaseException | None) -> NoReturn:
    code = 1
    try:
        code = _exit_code(failure)
        end()
    finally:
        flush_streams()
        os._exit(code)


def _exit_code(failure: BaseException | None) -> int:
    code = failure.code if isinstance(failure, SystemExit) else failure
    if code is None or isinstance(code, int):
        return int(code or 0) & 0xFF
    if isinstance(failure, SystemExit):
        sys.stderr.write(f"{code}\n")
    else:
        traceback.print_exception(failure)
    return 1


def fill_streams() -> None:
    """Reopen closed descriptors 0 to 2, so that output of remaining threads does not end up in the result file."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it takes the lowest that is free
