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
├── RequestFailed         a request to /job-control/v1 failed; the message has the server's reason and the next step
│   ├── Refused               not now: wait for `retry_after`, or for the run that is in the way
│   ├── InvalidRequest        change the request
│   ├── AccessDenied          use another token or user, or ask for the permission
│   ├── NotFound              change the name of the job, run or subtask, or the URL of the server
│   └── ServerUnavailable     start the server, or send the request again later
├── RunFailed             the run ended without a result: read its error, then retry it or submit another one
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
    """One problem of a job spec: what is wrong (``message``), where, and the given and the expected value.

    ``path`` is dotted. ``given`` and ``expected`` are empty where the message contains them, or has none.
    """

    message: str
    path: str = ""
    file: str | None = None
    line: int | None = None
    given: str = ""
    expected: str = ""

    @property
    def sentence(self) -> str:
        """The text ``{message} {given}; expected {expected}``, without the parts that are empty."""
        subject = f"{self.message} {self.given}" if self.given else self.message
        return f"{subject}; expected {self.expected}" if self.expected else subject

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ": ".join(part for part in (place, self.path, self.sentence) if part)


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


class RequestFailed(McpError):
    """A request to the HTTP API failed.

    ``detail`` is the reason that the server gave, ``url`` the address of the request with its method, ``status`` the
    HTTP status (None: no response), ``next_step`` what the user can do.
    """

    def __init__(self, detail: str, *, url: str, next_step: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.url = url
        self.status = status
        self.next_step = next_step

    def __str__(self) -> str:
        answer = "no response" if self.status is None else str(self.status)
        return f"{self.detail} ({self.url}: {answer}); {self.next_step}"


class Refused(RequestFailed):
    """The queue, or the state of the run, does not allow it now.

    ``retry_after``: seconds after which it may succeed. ``limit``: the rule of the job's ``queue``. ``pending``: the
    number of runs that the rule counted. ``run``: the run that does the same work already. Each is None where the
    server did not send it.
    """

    retry_after: float | None = None
    limit: str | None = None
    pending: int | None = None
    run: str | None = None


class InvalidRequest(RequestFailed):
    """The server does not accept the values of the request."""


class AccessDenied(RequestFailed):
    """The credentials are missing or not valid, or the user does not have the permission."""


class NotFound(RequestFailed):
    """The job, run or subtask does not exist or is not visible, or the server does not have the HTTP API."""


class ServerUnavailable(RequestFailed):
    """The server did not respond, or it is busy.

    ``retry_after``: seconds after which it may respond, None if unknown. ``reached``: the request may have had an
    effect.
    """

    retry_after: float | None = None
    reached: bool = True


class RunFailed(McpError):
    """The run ended in another state than *completed* or *partial*; ``state`` is its state."""

    def __init__(self, message: str, *, state: str) -> None:
        super().__init__(message)
        self.state = state


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
