"""When a request is sent again: after a failed connection or a busy server, for a while, with growing pauses."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_mcp_provider.client.models import Run
from airflow_mcp_provider.errors import RunFailed, ServerUnavailable

if TYPE_CHECKING:
    from tenacity import RetryCallState

PATIENCE_S = 60.0
"""For how long requests are sent again by default: as long as an API server may take to start."""
TIMEOUT_S = 60.0
FIRST_S, LONGEST_S = 0.2, 5.0
WAIT_S = 30.0
"""How long the server waits for the end of a run before it responds."""
SOON_S = 0.5


def policy(seconds: float, *, repeatable: bool = True) -> dict[str, Any]:
    """Return the arguments of ``tenacity.Retrying`` and ``tenacity.AsyncRetrying``."""
    import tenacity  # noqa: PLC0415 - 30 ms, which a program spends when it sends its first request

    return {
        "retry": tenacity.retry_if_exception(lambda error: _may_repeat(error, repeatable=repeatable)),
        "wait": _pause(tenacity.wait_exponential(FIRST_S, LONGEST_S) + tenacity.wait_random(0, FIRST_S)),
        "stop": tenacity.stop_before_delay(seconds),
        "reraise": True,
    }


def _may_repeat(error: BaseException, *, repeatable: bool) -> bool:
    return isinstance(error, ServerUnavailable) and (repeatable or not error.reached)


def _pause(growing: Any) -> Any:  # noqa: ANN401 - tenacity's own types
    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, ServerUnavailable) else None
        return max(float(growing(state)), asked or 0.0)

    return pause


class Deadline:
    """How long a client waits for the end of a run; ``seconds`` None: until it ends."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._began = self._asked = time.monotonic()

    def next(self) -> float:
        """Return for how long the server should wait now."""
        self._asked = time.monotonic()
        return WAIT_S if self._seconds is None else max(1.0, min(WAIT_S, self._left(self._seconds)))

    def pause(self, found: Run) -> float:
        """Return the pause before the next request, in seconds: a proxy may have removed the header of the wait.

        Raises TimeoutError at the deadline.
        """
        if self._seconds is not None and self._left(self._seconds) <= 0:
            raise TimeoutError(f"the run {found.run} of {found.job} is {found.state} after {self._seconds:g} s")
        return max(0.0, SOON_S - (time.monotonic() - self._asked))

    def _left(self, seconds: float) -> float:
        return self._began + seconds - time.monotonic()


def result_of(run: Run) -> Any:  # noqa: ANN401 - any JSON
    """Return the result of an ended run; raises RunFailed when it has none."""
    if run.state in {"completed", "partial"}:
        return run.result
    why = run.error or run.reason
    raise RunFailed(f"the run {run.run} of {run.job} ended as {run.state}: {why.text if why else ''}", state=run.state)
