"""A limit for the CPU time of a check: a regular expression, or a nested schema, can take very long.

Runs when params are checked. The limit counts CPU time, not wall-clock time, so that a check does not fail on a busy
machine. It works with a signal, which Python handles only in the main thread: in other threads there is no limit, as
with Airflow's own timeout for the import of a DAG file.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

MOST_S = 0.2


class TakesTooLongError(Exception):
    """The CPU time limit was reached."""


@contextmanager
def bounded(seconds: float = MOST_S) -> Iterator[None]:
    """Raise TakesTooLongError when the code inside takes more CPU time; without effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _end)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TakesTooLongError
