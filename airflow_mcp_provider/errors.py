"""Every error of this package, named by what the caller does next.

McpError
├── SpecError             edit the job spec: it says file, line, path, what was given, what is allowed
├── InstallationError     change the installation: it says which setting, package or version
├── EnqueueRefused        stop enqueuing that: the subtask may go on without it
│   ├── InvalidPayload        send something else (size, form, key)
│   ├── LimitReached          the run has as many subtasks, or generations, as its spec allows
│   └── RunIsOver             the run ended or was cancelled, or this try was superseded
├── InvalidRow            a row of the state store is damaged: clear the subtask's run and plan it again
├── TryAgain              the same call may work later; retries of the task do that
└── SubtaskError          the user's work failed: Airflow's retry policy decides
    ├── SoftTimeout           raised inside the work, which may catch it and clean up
    └── HardTimeout           the work was killed
"""

from __future__ import annotations

from dataclasses import dataclass


class McpError(Exception):
    """Base of all errors of this package."""


@dataclass(frozen=True)
class Problem:
    """One fault of a job spec: where it is, and what is wrong, given and allowed there."""

    message: str
    path: str = ""
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ": ".join(part for part in (place, self.path, self.message) if part)


class SpecError(McpError):
    """The job spec is wrong; edit it.

    ``problems`` are all faults that were found, in the order of their lines: empty when ``message`` says it all.
    """

    def __init__(self, message: str, *, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class InstallationError(McpError):
    """This Airflow installation lacks something; change it."""


class EnqueueRefused(McpError):
    """The subtasks were not added; nothing of the call took effect."""


class InvalidPayload(EnqueueRefused):
    """The payload or its key cannot be stored; send something else."""


class LimitReached(EnqueueRefused):
    """``subtasks.limit`` or ``subtasks.depth`` of the spec was reached."""


class RunIsOver(EnqueueRefused):
    """The run, or this try of the subtask, is over."""


class InvalidRow(McpError):
    """A row of ours in the state store has another form than we write."""


class TryAgain(McpError):
    """A passing fault; the same call may work later."""


class SubtaskError(McpError):
    """The user's work failed.

    ``kinds`` are the dotted names of the exception's classes, nearest first: what ``retries.never_on`` and
    ``only_on`` are held against. The work ran in a process of its own, so its exception object is not here.
    """

    def __init__(self, message: str, *, kinds: tuple[str, ...] = (), trace: str = "") -> None:
        super().__init__(message)
        self.kinds = kinds
        self.trace = trace

    def __str__(self) -> str:
        message = super().__str__()
        return f"{self.kinds[0]}: {message}" if self.kinds else message


class SoftTimeout(SubtaskError):
    """``timeouts.soft`` passed: clean up and end."""


class HardTimeout(SubtaskError):
    """``timeouts.hard`` passed: the work and all its processes were killed."""
