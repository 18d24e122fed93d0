"""Let the supervisor of a task wait for the grace of a cancelled run before it kills the task process.

Airflow's supervisor sends SIGTERM at the first heartbeat that is refused, and SIGKILL 5 s later; there is no setting.
The API server's refusal has the grace of the run (``plugin.server.handlers``), and the supervisor waits for so long.
The task process reads it in memory that both share: after a cancel no runner has to ask a server that is busy.
Installed in the process of the supervisor: by ``start`` in a pod, by ``plugin.slots`` in a worker of the LocalExecutor.
Elsewhere a grace is cut to ``SHORT``.

Private API of Airflow used here: ``ActivitySubprocess.kill`` and ``_service_subprocess``,
``TaskInstanceOperations.heartbeat`` and the ``detail`` of its error. tests/unit/test_patience.py checks them.
"""

from __future__ import annotations

import mmap
import signal
import struct
from collections.abc import Callable
from functools import wraps
from typing import Any

GRACE = "mcp_grace"
"""The field in the detail of a refused heartbeat: seconds."""
SHORT = 4.0
"""Seconds that are left without this patch: one less than Airflow's supervisor waits."""
MARGIN = 2.0
"""Seconds after the grace in which the task process kills its work by itself, and ends."""
TURN = 1.0
"""Seconds after which the supervisor looks whether the task process has ended. By itself it looks when a socket has
something to read: when all are closed before the process has ended, not before the time to kill it."""


class _Received:
    """What the supervisor got from the API server: a number in memory that is shared with the processes it forks."""

    _FORMAT = struct.Struct("d")

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, self._FORMAT.size)

    @property
    def grace(self) -> float:
        seconds: float
        (seconds,) = self._FORMAT.unpack_from(self._memory)
        return seconds

    @grace.setter
    def grace(self, seconds: float) -> None:
        self._FORMAT.pack_into(self._memory, 0, seconds)


_received: list[_Received] = []
"""One, where the supervisor listens: each worker of an executor has memory of its own."""


def is_installed() -> bool:
    """Whether the supervisor of this process, or that which forked this process, waits for a grace."""
    return bool(_received)


def received() -> float:
    """Return the grace of the last heartbeat, in the supervisor and in the task process; 0 if there is none."""
    return _received[0].grace if _received else 0.0


def install() -> None:
    """Patch the supervisor of this process; a second call only removes the grace of the task before."""
    if _received:
        _received[0].grace = 0.0
        return
    from airflow.sdk.api.client import TaskInstanceOperations  # noqa: PLC0415 - only where tasks are supervised
    from airflow.sdk.execution_time.supervisor import ActivitySubprocess  # noqa: PLC0415 - likewise

    _received.append(_Received())
    TaskInstanceOperations.heartbeat = _listening(TaskInstanceOperations.heartbeat)  # type: ignore[method-assign]  # see above
    ActivitySubprocess.kill = _patient(ActivitySubprocess.kill)  # type: ignore[method-assign]  # likewise
    service = ActivitySubprocess._service_subprocess  # noqa: SLF001 - see the module
    ActivitySubprocess._service_subprocess = _looking(service)  # type: ignore[method-assign]  # noqa: SLF001 - likewise


def grace_of(detail: object) -> float:
    """Return the grace in the detail of a refused heartbeat, 0 if there is none."""
    seconds = detail.get(GRACE) if isinstance(detail, dict) else None
    return float(seconds) if isinstance(seconds, int | float) and seconds > 0 else 0.0


def _listening(heartbeat: Callable[..., None]) -> Callable[..., None]:
    @wraps(heartbeat)
    def listening(*args: Any, **kwargs: Any) -> None:
        try:
            heartbeat(*args, **kwargs)
        except Exception as error:
            _received[0].grace = grace_of(getattr(error, "detail", None))
            raise
        _received[0].grace = 0.0

    return listening


def _patient(kill: Callable[..., None]) -> Callable[..., None]:
    @wraps(kill)
    def patient(
        self: Any,  # noqa: ANN401 - an ActivitySubprocess
        signal_to_send: signal.Signals = signal.SIGINT,
        escalation_delay: float = 5.0,
        force: bool = False,  # noqa: FBT001, FBT002 - Airflow's
    ) -> None:
        if force and signal_to_send == signal.SIGTERM and (grace := received()):
            escalation_delay = max(escalation_delay, grace + MARGIN)
        kill(self, signal_to_send, escalation_delay, force)

    return patient


def _looking(service: Callable[..., int | None]) -> Callable[..., int | None]:
    @wraps(service)
    def looking(self: Any, max_wait_time: float, *args: Any, **kwargs: Any) -> int | None:  # noqa: ANN401 - as above
        return service(self, min(max_wait_time, TURN) if received() else max_wait_time, *args, **kwargs)

    return looking
