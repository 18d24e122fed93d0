"""A bound for what a spec's own rules may cost: a regular expression, or a schema in a schema, can take for ever.

Runs when params are checked. The processor time is counted, not the hours of a clock, so that a busy machine refuses
nothing. Python's regular expressions let signals through, but only to the main thread: in another one there is no
bound, as Airflow's own limit for the import of a DAG file has none.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

MOST_S = 0.2


class TakesTooLongError(Exception):
    """The bound was reached."""


@contextmanager
def bounded(seconds: float = MOST_S) -> Iterator[None]:
    """Raise TakesTooLongError when the code inside takes more processor time."""
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
