"""A Docker engine for the tests: the one that answers, else Debian's dockerd, started here and gone afterwards.

    with engine() as docker:
        docker.run("ps")

An engine that answers is used with the images that it has or gets. Our own can get none where no registry is: it is
given stand-ins for the official ones (``stand_in.py``), and the tests' output says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.sizes import patient

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "airflow-mcp-provider"
PACKAGES = ("docker.io", "docker-compose", "debootstrap")
BUILD = 900  # seconds


@dataclass(frozen=True)
class Engine:
    """A running engine; ``own`` is one that we started, with nothing in it that we did not make."""

    own: bool
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(self, *arguments: str, timeout: float = 60, **more: str) -> str:
        """Run ``docker …`` and give its output; ``more`` are environment variables."""
        return output(["docker", *arguments], {**self.env, **more}, timeout)

    def compose(self, *arguments: str, timeout: float = BUILD, **more: str) -> str:
        """Run ``docker compose …``, or its predecessor ``docker-compose``, in the project's root."""
        return output([*compose_command(), *arguments], {**self.env, **more}, timeout)


def output(argv: list[str], env: dict[str, str] | None = None, timeout: float = 60) -> str:
    """Run a program in the project's root; its errors are the error's text."""
    limit = patient(timeout)
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=limit)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )
    return done.stdout


def succeeds(*argv: str) -> bool:
    return bool(shutil.which(argv[0])) and subprocess.run(argv, capture_output=True, check=False).returncode == 0


@cache
def compose_command() -> list[str]:
    return ["docker", "compose"] if succeeds("docker", "compose", "version") else ["docker-compose"]


def answers() -> bool:
    """Tell whether an engine is there already."""
    return succeeds("docker", "version")


def missing() -> str:
    """Tell why no engine can be had here; empty when one can."""
    if answers():
        return ""
    if os.geteuid() != 0:
        return "no Docker engine answers, and only root can start one"
    if not shutil.which("dockerd") and not shutil.which("apt-get"):
        return "no Docker engine answers, and there is neither dockerd nor apt-get to install it"
    return ""


@contextmanager
def engine() -> Iterator[Engine]:
    """Give an engine that has, or can get, the images that our files name; one at a time, also for who asks twice."""
    if _running:
        yield _running[0]
    elif answers():
        yield Engine(own=False)
    else:
        install()
        with _started() as own:
            _running.append(own)
            try:
                yield own
            finally:
                _running.remove(own)


_running: list[Engine] = []
"""The one that this process has started: the keeper lets nobody start another beside it."""


@contextmanager
def _started() -> Iterator[Engine]:
    folder = Path(tempfile.mkdtemp(prefix="mcp-docker-"))  # short: its sockets' paths may have 107 characters
    argv = [sys.executable, "-m", "tests.containers.keeper", str(folder)]
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as keeper:
        assert keeper.stdin
        assert keeper.stdout
        if not (host := keeper.stdout.readline().strip()):
            raise RuntimeError("no Docker engine could be started; see above")
        try:
            # Debian's engine has no BuildKit, which newer clients ask for.
            yield Engine(own=True, env={**os.environ, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "0"})
        finally:
            keeper.stdin.close()
            keeper.wait()


def install() -> None:
    """Install the engine from Debian's packages, when it is not there."""
    if shutil.which("dockerd") and shutil.which("debootstrap") and (shutil.which("docker-compose")):
        return
    apt = ["apt-get", "-qq", "--option", "DPkg::Lock::Timeout=300"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    output([*apt, "update"], environment, BUILD)
    output([*apt, "install", "--yes", "--no-install-recommends", *PACKAGES], environment, BUILD)
