"""A container as the work: the container specification, and the interface of the engines that run it.

Runs in the runner. The engines are ``runtime.docker`` and, for Kubernetes, ``operators.container``, which needs
Airflow. Each engine mounts a folder at ``FOLDER`` with the named pipe of ``$MCP_ENQUEUE``, the directory of
``$MCP_ENQUEUE_DIR`` and the file of ``$MCP_RESULT``, writable for any user of the image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Protocol

from airflow_mcp_provider.errors import SoftTimeout, SubtaskError
from airflow_mcp_provider.runtime import argv, redaction
from airflow_mcp_provider.runtime.ipc_server import ENQUEUE, ENQUEUE_FILES, FILES, PIPE
from airflow_mcp_provider.runtime.stdout import RESULT, LastLine, Reader
from airflow_mcp_provider.spec import Container, StepTimeouts, fill

FOLDER = "/mcp"
"""The mount path of the pipe, the directory and the file in the container."""
RESULT_FILE = "result"
IMAGE = r"[A-Za-z0-9\[][A-Za-z0-9._/:@+\[\]-]{0,1023}"
"""The characters of an image name with its registry, tag and digest; the engine checks the rest of the syntax."""
GRACE_S = 30.0
"""Seconds between SIGTERM and SIGKILL for a container without a hard time limit."""
FAILED, NOT_STARTED, NOT_PULLED = "CommandFailed", "CommandNotStarted", "ImageNotPulled"
"""Names for ``retries.never_on`` and ``only_on``: those of a command, and an image that cannot be pulled."""


@dataclass(frozen=True)
class ContainerRequest:
    """One container, with all placeholders replaced.

    ``command`` and ``args`` are None to use those of the image; ``start``: seconds until it must run; ``grace``:
    seconds between SIGTERM and SIGKILL; ``pipe``: the runner's own pipe for the lines of ``$MCP_ENQUEUE``;
    ``printed`` reads the result from the output; ``files``: the content of files to put into the folder, by the
    environment variable that names each file (only the Docker engine does).
    """

    image: str
    command: tuple[str, ...] | None
    args: tuple[str, ...] | None
    environment: Mapping[str, str]
    user: int | None
    start: float
    grace: float
    pipe: Path
    printed: Reader = LastLine
    files: Mapping[str, str] = field(default_factory=dict)


class Engine(Protocol):
    """Runs one container."""

    def prepare(self) -> None:
        """Prepare the removal for a runner that is killed. Called in the runner before the process of the work."""

    def run(self, request: ContainerRequest) -> Any:  # noqa: ANN401 - any JSON
        """Run the container to its end, copy its output to stdout, and return its result.

        Called in the process of the work, where SoftTimeout may be raised at any time: the container then gets SIGTERM.
        Raises SubtaskError when it failed.
        """

    def remove(self) -> None:
        """Remove the container. Called in the runner after the process of the work has ended in any way."""


def container_request(  # noqa: PLR0913, PLR0917 - the fields of a ContainerRequest
    spec: Container,
    values: Mapping[str, Any],
    environment: Mapping[str, str],
    timeouts: StepTimeouts,
    pipe: Path,
    printed: Reader = LastLine,
    files: Mapping[str, str] | None = None,
) -> ContainerRequest:
    """Return the request for a container, with ``values`` (payload and params) for its placeholders.

    ``environment`` has payload and params as environment variables.
    """
    own = {PIPE: f"{FOLDER}/{ENQUEUE}", FILES: f"{FOLDER}/{ENQUEUE_FILES}", RESULT: f"{FOLDER}/{RESULT_FILE}"}
    return ContainerRequest(
        image=_image(fill(spec.image, values)),
        command=_program(_filled(spec.command, values)),
        args=_filled(spec.args, values, spec.command or ()),
        environment={**spec.env, **environment, **own},
        user=spec.user,
        start=spec.start.total_seconds(),
        grace=_grace(timeouts),
        pipe=pipe,
        printed=printed,
        files=files or {},
    )


def _image(name: str) -> str:
    """Check the name: an engine could read another text as an option."""
    if not re.fullmatch(IMAGE, name):
        given = redaction.shown(name, 200)
        message = f"invalid image name {given}; expected for example registry.example.com/tool:1.2"
        raise failed(message, NOT_PULLED)
    return name


def _program(command: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Check the program: a Docker engine would run the first argument instead of an empty program."""
    if command and not command[0]:
        raise failed("the program, the first item of container.command, is empty", NOT_STARTED)
    return command


def _filled(
    parts: tuple[str, ...] | None, values: Mapping[str, Any], before: tuple[str, ...] = ()
) -> tuple[str, ...] | None:
    return None if parts is None else tuple(argv.filled(parts, values, before))


def _grace(timeouts: StepTimeouts) -> float:
    """Return the seconds from the soft to the hard time limit; at the hard limit the engine may kill the container."""
    if timeouts.soft and timeouts.hard:
        return (timeouts.hard - timeouts.soft).total_seconds()
    return GRACE_S


def failed(message: str, *kinds: str) -> SubtaskError:
    """Return an error of the container; ``kinds`` are its names in ``retries`` and in the outcome."""
    return SubtaskError(message, kinds=kinds)


def raise_soft_timeout() -> NoReturn:
    """Raise the error of a container that the soft time limit has ended."""
    raise SoftTimeout("timeouts.soft passed; the container received SIGTERM")
