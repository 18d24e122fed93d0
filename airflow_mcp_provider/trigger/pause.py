"""How long a watch waits between two checks: ``every``, and longer while checks fail."""

from __future__ import annotations

import hashlib

LONGEST = 300.0
"""Seconds between two checks that fail, unless ``every`` is longer."""
_MOST_DOUBLINGS = 20


class Pause:
    """The waits of one watch; ``every`` is seconds."""

    def __init__(self, job: str, every: float) -> None:
        self._every = every
        self._first: float | None = every * _share(job)

    def after(self, failures: int, elapsed: float) -> float:
        """Return the seconds to wait after a check that took ``elapsed`` seconds; ``failures`` failed in succession.

        The first wait differs from job to job: a triggerer that starts checks all jobs, and not all again and again at
        the same second.
        """
        wait, self._first = self._every if self._first is None else self._first, None
        if failures:
            wait = max(self._every, min(LONGEST, self._every * 2 ** min(failures, _MOST_DOUBLINGS)))
        return max(0.0, wait - elapsed)


def _share(job: str) -> float:
    """Return a number in [0, 1) that is always the same for a job."""
    return int.from_bytes(hashlib.sha256(job.encode()).digest()[:4], "big") / 2**32
