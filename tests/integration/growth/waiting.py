"""Wait for something that will happen, however slow the machine."""

import time
from collections.abc import Callable
from typing import TypeVar

from tests.sizes import patient

Found = TypeVar("Found")


def until(look: Callable[[], Found], *, what: str, seconds: float = 120) -> Found:
    """Return the first true value of ``look``."""
    end = time.monotonic() + patient(seconds)
    while not (found := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)
    return found
