"""The exceptions of this package, grouped by what the caller does next.

McpError
├── SpecError             edit the job spec; the message has the file, line, path, wrong and expected value
├── InstallationError     change the installation; the message has the setting, package or version
├── EnqueueRefused        the subtasks were not added; the calling subtask can continue without them
│   ├── InvalidPayload        change the payload (size, format or key)
│   ├── LimitReached          the run has reached the maximum number of subtasks or generations of its spec
│   └── RunIsOver             the run has ended or was cancelled, or a later attempt of the subtask has started
├── InvalidRow            a row of the state store is damaged: clear the run, so that it is planned again
├── TryAgain              temporary failure; the same call may succeed later, for example in a retry of the task
└── SubtaskError          the user's work failed; Airflow's retry policy decides about a retry
    ├── SoftTimeout           raised inside the work, which may catch it and clean up
    └── HardTimeout           the work was killed
"""

from __future__ import annotations

from dataclasses import dataclass


class McpError(Exception):
    """The base class of all exceptions of this package."""


@dataclass(frozen=True)
class Problem:
    """One problem of a job spec: its message, dotted path, file and line."""

    message: str
    path: str = ""
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ": ".join(part for part in (place, self.path, self.message) if part)


class SpecError(McpError):
    """The job spec is not valid.

    ``problems`` are all problems that were found, in the order of their lines. It is empty when the error has no
    position in a spec; then ``message`` is complete.
    """

    def __init__(self, message: str, *, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class InstallationError(McpError):
    """The Airflow installation or its configuration does not support the operation."""


class EnqueueRefused(McpError):
    """The subtasks were not added; the call had no effect."""


class InvalidPayload(EnqueueRefused):
    """The payload or its key cannot be stored."""


class LimitReached(EnqueueRefused):
    """``subtasks.limit`` or ``subtasks.depth`` of the spec was reached."""


class RunIsOver(EnqueueRefused):
    """The run, or this attempt of the subtask, has ended."""


class InvalidRow(McpError):
    """A row of this package in the state store does not have the expected format."""


class TryAgain(McpError):
    """A temporary failure; the same call may succeed later."""


class SubtaskError(McpError):
    """The user's work failed.

    ``kinds`` are the dotted names of the exception's class and its base classes, which are compared with
    ``retries.never_on`` and ``only_on``. ``trace`` is its traceback. The work ran in another process, so the exception
    object itself is not available.
    """

    def __init__(self, message: str, *, kinds: tuple[str, ...] = (), trace: str = "") -> None:
        super().__init__(message)
        self.kinds = kinds
        self.trace = trace

    def __str__(self) -> str:
        message = super().__str__()
        return f"{self.kinds[0]}: {message}" if self.kinds else message


class SoftTimeout(SubtaskError):
    """``timeouts.soft`` was exceeded; the work should clean up and end."""


class HardTimeout(SubtaskError):
    """``timeouts.hard`` was exceeded; the work and all its processes were killed."""
