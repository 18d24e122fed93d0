"""Run containers with the Docker command line on this machine: for a laptop without Kubernetes.

Runs in the runner. ``docker run`` is a child process like any command; the container itself is not. It is removed by
name: see ``docker_removal``.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from airflow_mcp_provider.errors import InstallationError, SoftTimeout
from airflow_mcp_provider.runtime import command, container, environment, processes, redaction
from airflow_mcp_provider.runtime.container import (
    FAILED,
    FOLDER,
    NOT_PULLED,
    NOT_STARTED,
    RESULT_FILE,
    ContainerRequest,
)
from airflow_mcp_provider.runtime.docker_removal import Removal
from airflow_mcp_provider.runtime.ipc_server import ENQUEUE, ENQUEUE_FILES, check_neighbours
from airflow_mcp_provider.runtime.memory import OUT_OF_MEMORY
from airflow_mcp_provider.runtime.quantity import number
from airflow_mcp_provider.runtime.stdout import INVALID

PLACE = "mcp/place"
"""Label: the subtask, the same for all its attempts."""
_ANSWER_S = 20.0
_MARGIN_S = 5.0
"""Seconds after the hard time limit, which the runner enforces."""
_AGAIN_S = 0.2
"""Seconds between two signals to a container that does not run yet."""
_LINE = 32_768
"""Bytes: Docker reads lines of up to 64 KB from an ``--env-file``, including the name."""


@dataclass(frozen=True)
class Limits:
    """The parts of ``pod`` that a Docker engine supports: environment variables, memory, CPU, image pull policy."""

    environment: Mapping[str, str] = field(default_factory=dict)
    memory: str | None = None
    cpu: str | None = None
    pull: bool = False

    @property
    def options(self) -> list[str]:
        """The options of ``docker run``; without swap in addition to the memory."""
        memory = f"{int(number(self.memory))}b" if self.memory else ""
        return [
            *([f"--memory={memory}", f"--memory-swap={memory}"] if memory else []),
            *([f"--cpus={number(self.cpu):f}"] if self.cpu else []),
        ]


def program() -> str:
    """Return the path of ``docker``; raises InstallationError, with the reason, when no engine answers."""
    path = shutil.which("docker")
    if path is None:
        raise InstallationError(_none("the program `docker` is not installed"))
    try:
        asked = [path, "version", "--format", "{{.Server.Version}}"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=_ANSWER_S)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        raise InstallationError(_none(f"`docker version` did not answer within {_ANSWER_S:g} s")) from None
    if done.returncode != 0:
        raise InstallationError(_none(f"`docker version` failed: {redaction.text(done.stderr.strip())[:300]}"))
    return path


def _none(why: str) -> str:
    return (
        f"no container engine found: this runner is not a pod with a service account token, and {why}. "
        f"On a laptop, start Docker or set DOCKER_HOST; in a cluster, set [mcp] container_service_account "
        f"(see docs/containers.md)"
    )


@dataclass(frozen=True)
class Docker:
    """The Docker engine. ``labels`` are for people; ``place`` identifies the subtask and its earlier containers."""

    docker: str
    place: str
    labels: Mapping[str, str]
    limits: Limits
    name: str = field(default_factory=lambda: f"mcp-{secrets.token_hex(6)}")
    removal: Removal = field(default_factory=Removal)

    def prepare(self) -> None:
        """See ``runtime.container.Engine``."""
        self.removal.prepare(self.docker, self.name)

    def run(self, request: ContainerRequest) -> Any:  # noqa: ANN401 - any JSON
        """See ``runtime.container.Engine``."""
        self._remove_earlier()
        self._pull(request)
        shared = _shared(request.pipe)
        request = replace(
            request, environment={**request.environment, **environment.write(request.files, shared, FOLDER)}
        )
        argv, variables = self._argv(request, shared)
        running = command.start(argv, variables, shared / RESULT_FILE, request.printed())
        if code := self._ended(running.pid, request.grace):
            self._failed(code, running)
        _remove_if_empty(shared / RESULT_FILE)
        _hand_over(shared, request.pipe)
        return running.read(0)

    def remove(self) -> None:
        """See ``runtime.container.Engine``."""
        if not self.removal.finish(_ANSWER_S):
            print(f"Docker does not answer: the container {self.name} may still exist", flush=True)  # noqa: T201 - the task's log

    def _remove_earlier(self) -> None:
        """Remove a container that an earlier attempt left behind when its machine failed."""
        if left := self._call("ps", "--all", "--quiet", f"--filter=label={PLACE}={self.place}").stdout.split():
            self._call("rm", "--force", "--volumes", *left)

    def _pull(self, request: ContainerRequest) -> None:
        if (
            not self.limits.pull
            and self._call("image", "inspect", "--format={{.Id}}", "--", request.image).returncode == 0
        ):
            return
        print(f"pulling {request.image}", flush=True)  # noqa: T201 - the task's log
        try:
            done = self._call("pull", "--quiet", "--", request.image, timeout=request.start)
        except subprocess.TimeoutExpired:
            raise container.failed(f"image {request.image} not pulled within {request.start:g} s", NOT_PULLED) from None
        if done.returncode != 0:
            reason = redaction.text(done.stderr.strip())[-500:]
            raise container.failed(f"image {request.image} cannot be pulled: {reason}", NOT_PULLED)

    def _ended(self, pid: int, grace: float) -> int | None:
        try:
            return processes.wait(pid, None)
        except SoftTimeout:
            self._terminate(pid, time.monotonic() + grace + _MARGIN_S)
            container.raise_soft_timeout()

    def _terminate(self, pid: int, until: float) -> None:
        """Send SIGTERM, again for as long as the container does not run yet, and wait for its end."""
        code = None
        while code is None and (left := until - time.monotonic()) > 0:
            received = self._call("kill", "--signal=TERM", self.name).returncode == 0
            code = processes.wait(pid, left if received else min(_AGAIN_S, left))

    def _argv(self, request: ContainerRequest, shared: Path) -> tuple[list[str], dict[str, str]]:
        """Return the command and its environment: values are in a file or in the environment, never in arguments."""
        values = {**self.limits.environment, **request.environment}
        lines = {name: value for name, value in values.items() if _is_a_line(value)}
        file = shared.with_name("environment")
        file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        others = {name: value for name, value in values.items() if name not in lines}
        first, *more = request.command or [""]
        argv = [
            *(self.docker, "run", f"--name={self.name}", f"--label={PLACE}={self.place}"),
            *(f"--label={name}={value}" for name, value in self.labels.items()),
            *(f"--env-file={file}", _mount(shared), "--cap-drop=ALL"),
            "--security-opt=no-new-privileges",
            *(f"--env={name}" for name in others),
            *([f"--user={request.user}"] if request.user is not None else []),
            *([f"--entrypoint={first}"] if request.command else []),
            *(*self.limits.options, "--", request.image, *more, *(request.args or ())),
        ]
        return argv, {**os.environ, **others}

    def _failed(self, code: int, running: command.Running) -> None:
        state = self._call("inspect", "--format={{.State.OOMKilled}} {{.State.Error}}", self.name).stdout.strip()
        killed, _, error = state.partition(" ")
        if killed == "true":
            limit = self.limits.memory or "the machine's"
            raise container.failed(f"the container ran out of memory; its limit is {limit}", OUT_OF_MEMORY, FAILED)
        if error or not state:
            reason = error or running.last_error
            raise container.failed(f"the container cannot be started: {reason}", NOT_STARTED)
        running.read(code)

    def _call(self, *arguments: str, timeout: float = _ANSWER_S) -> subprocess.CompletedProcess[str]:
        argv = [self.docker, *arguments]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=timeout)  # noqa: S603 - ours


def _is_a_line(value: str) -> bool:
    """Return whether the value fits into an ``--env-file`` as it is: one line that is not too long for Docker."""
    return value.splitlines() in ([], [value]) and len(value.encode()) < _LINE


def _mount(folder: Path) -> str:
    """Return the option, which is a line of CSV, so that a colon or a comma in the path is not read as syntax."""
    source = f"source={folder}".replace('"', '""')
    return f'--mount=type=bind,"{source}",target={FOLDER}'


def _shared(pipe: Path) -> Path:
    """Create the folder to mount; other users of this machine cannot reach it, because its parent is private."""
    shared = pipe.with_name("mcp")
    shared.mkdir()
    shared.chmod(0o777)
    (shared / ENQUEUE).hardlink_to(pipe)
    pipe.chmod(0o666)
    (shared / ENQUEUE_FILES).mkdir()
    (shared / ENQUEUE_FILES).chmod(0o777)
    (shared / RESULT_FILE).touch()
    (shared / RESULT_FILE).chmod(0o666)
    return shared


def _remove_if_empty(result: Path) -> None:
    """Remove an empty result file. Refuse anything but a regular file: a link may lead to a file of this machine."""
    with suppress(FileNotFoundError):  # removed by the work: the result is read from the output
        there = result.lstat()
        if not stat.S_ISREG(there.st_mode):
            raise container.failed("$MCP_RESULT is not a regular file any more: the work replaced it", INVALID)
        if not there.st_size:
            result.unlink()


def _hand_over(shared: Path, pipe: Path) -> None:
    """Move the files of ``$MCP_ENQUEUE_DIR`` to the runner; remove the runner's pipe if the work replaced its own."""
    files = pipe.with_name(ENQUEUE_FILES)
    files.rmdir()
    if stat.S_ISDIR(_mode(shared / ENQUEUE_FILES)):  # else the runner reports that its own directory is gone
        (shared / ENQUEUE_FILES).rename(files)
    check_neighbours(shared)
    with suppress(FileNotFoundError):
        if os.path.samestat((shared / ENQUEUE).lstat(), pipe.lstat()):
            return
    pipe.unlink()


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0
