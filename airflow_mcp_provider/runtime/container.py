"""A container as the work: what an engine is asked for, and what it promises.

Runs in the runner. Engines are ``docker`` beside this module, and Kubernetes in ``operators.container``, which needs
Airflow's side of the world. Either keeps three things for the work in a folder that the container sees as ``FOLDER``:
the pipe of ``$MCP_ENQUEUE``, the directory of ``$MCP_ENQUEUE_DIR`` and the file of ``$MCP_RESULT``, open to whatever
user the image has.
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
"""Where pipe, directory and file are, inside."""
RESULT_FILE = "result"
IMAGE = r"[A-Za-z0-9\[][A-Za-z0-9._/:@+\[\]-]{0,1023}"
"""What a name of an image consists of, with its registry, tag and digest; whether it is one, the engine tells."""
GRACE_S = 30.0
"""How long a container that was asked to end may take, where no hard limit says it."""
FAILED, NOT_STARTED, NOT_PULLED = "CommandFailed", "CommandNotStarted", "ImageNotPulled"
"""What ``retries.never_on`` and ``only_on`` may name: those of a command, and its image that cannot be had."""


@dataclass(frozen=True)
class Order:
    """One container, with all placeholders filled in.

    ``command`` and ``args`` are None where the image says them; ``start``: seconds until it must run; ``grace``:
    seconds that it may take to end when it is asked to; ``pipe``: the runner's own pipe for lines of ``$MCP_ENQUEUE``;
    ``printed`` reads its result from its output; ``files``: what an engine that can puts into the folder, by the
    variables that name the files.
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
    """Who runs containers."""

    def run(self, order: Order) -> Any:  # noqa: ANN401 - any JSON
        """Run it to its end, its output to stdout, and return its result.

        Called in the work's process, where SoftTimeout may be raised at any time: it is asked to end then. Raises
        SubtaskError when it failed.
        """

    def remove(self) -> None:
        """Called in the runner when the work's process is gone, however it went: nothing of the container is left."""


def order(  # noqa: PLR0913, PLR0917 - what an Order has
    spec: Container,
    values: Mapping[str, Any],
    environment: Mapping[str, str],
    timeouts: StepTimeouts,
    pipe: Path,
    printed: Reader = LastLine,
    files: Mapping[str, str] | None = None,
) -> Order:
    """Fill in what ``values`` (payload and params) say; ``environment`` is what the work is told by."""
    own = {PIPE: f"{FOLDER}/{ENQUEUE}", FILES: f"{FOLDER}/{ENQUEUE_FILES}", RESULT: f"{FOLDER}/{RESULT_FILE}"}
    return Order(
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
    """An engine would take another text for an option, or for something else than an image."""
    if not re.fullmatch(IMAGE, name):
        given = redaction.shown(name, 200)
        told = f"the image is no name of one; given {given}; expected such as registry.example.com/tool:1.2"
        raise failed(told, NOT_PULLED)
    return name


def _program(command: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """A Docker engine would take the first argument for the program."""
    if command and not command[0]:
        raise failed("the program, the first of container.command, is empty", NOT_STARTED)
    return command


def _filled(
    parts: tuple[str, ...] | None, values: Mapping[str, Any], before: tuple[str, ...] = ()
) -> tuple[str, ...] | None:
    return None if parts is None else tuple(argv.filled(parts, values, before))


def _grace(timeouts: StepTimeouts) -> float:
    """Until the hard limit, at which an engine may kill it as well as the runner does."""
    if timeouts.soft and timeouts.hard:
        return (timeouts.hard - timeouts.soft).total_seconds()
    return GRACE_S


def failed(message: str, *kinds: str) -> SubtaskError:
    """Return an error of the container that is told, as ``kinds``, to retries and people."""
    return SubtaskError(message, kinds=kinds)


def asked_to_end() -> NoReturn:
    """Tell that the soft limit has ended it."""
    raise SoftTimeout("timeouts.soft passed; the container was asked to end (SIGTERM)")
