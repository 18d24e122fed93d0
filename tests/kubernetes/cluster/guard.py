"""Holds the namespaces that a cluster lives in, and removes all of it however its owner ends.

A process of its own, started by ``node.py`` as a plain script. Everything of a cluster runs in process, mount and
network namespaces made here: when their first process is killed, the kernel ends every process, mount, link, route and
firewall rule in them, which is why nothing has to be found and taken back one by one. What namespaces do not
cover is removed here: the folder, and the control groups.

The owner holds our stdin: that closes when it lets go, and when it is killed. Killed ourselves, we take the namespaces
along (``--pdeathsig``, ``--kill-child``), and ``sweep`` of the next cluster removes the rest.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

PLACE = "/tmp"  # noqa: S108 - whatever TMPDIR says: a socket's path may have 107 characters; the folder is made 0700
PREFIX = "mcp-cluster-"  # + our process id: who finds a folder knows at once whether its guard lives
LINK = "link"  # a file in the folder: the name of the host's end of the cable
KEEP = "keep"  # argument: wait for SIGTERM instead of the owner's end
PATIENCE = 60.0  # seconds that the last processes of a killed guard may take to end

# Process 1 of the namespace: nothing but a parent for orphans, whom the kernel buries when SIGCHLD is ignored.
FIRST = """
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print(flush=True)
while True:
    signal.pause()
"""
UNSHARE = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--kill-child", "--fork", "--pid", "--mount-proc", "--mount", "--propagation", "slave", "--net"),
)


def main(*arguments: str) -> None:
    """Make the namespaces, say where they are, and wait."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, _leave if KEEP in arguments and number == signal.SIGTERM else signal.SIG_IGN)
    folder = Path(PLACE) / f"{PREFIX}{os.getpid()}"
    remove(folder)
    folder.mkdir(mode=0o700)
    command = [*UNSHARE, sys.executable, "-I", "-c", FIRST]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as unshare:
        try:
            with contextlib.suppress(SystemExit):  # a kept one is asked to end
                _hold(unshare, folder, keep=KEEP in arguments)
        finally:
            _end(unshare, folder)
    remove(folder)


def _hold(unshare: subprocess.Popen[bytes], folder: Path, *, keep: bool) -> None:
    if not (unshare.stdout and unshare.stdout.readline()):
        # Only now: at its end it complains that there is no child any more to unblock signals for.
        sys.stderr.buffer.write(unshare.stderr.read() if unshare.stderr else b"")
        return
    first = psutil.Process(unshare.pid).children()[0].pid
    print(first, folder, flush=True)  # noqa: T201 - this is what our owner reads
    while keep:
        signal.pause()
    while os.read(0, 1024):
        pass


def _leave(*_: object) -> None:
    raise SystemExit


def _end(unshare: subprocess.Popen[bytes], folder: Path) -> None:
    """Kill the first process, and with it everything; `unshare` ends when the last one has."""
    with contextlib.suppress(OSError):
        # The kernel would do it some moments later. Not after the end: then its name may be another cluster's.
        subprocess.run(["ip", "link", "delete", (folder / LINK).read_text()], check=False)
    with contextlib.suppress(psutil.NoSuchProcess):
        for first in psutil.Process(unshare.pid).children():
            first.kill()


def remove(folder: Path) -> None:
    """Remove what the end of the namespaces leaves: the control groups, the folder."""
    deadline = time.monotonic() + PATIENCE
    for group in _groups(folder.name):
        _remove_group(group, deadline)
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)  # a process that is ending may still write there


def _groups(name: str) -> list[Path]:
    """Find a control group, once a hierarchy (version 1) or once at all (version 2)."""
    root = Path("/sys/fs/cgroup")
    return [*root.glob(name), *root.glob(f"*/{name}")]


def _remove_group(group: Path, deadline: float) -> None:
    for folder, _, _ in os.walk(group, topdown=False):
        while time.monotonic() < deadline:
            try:
                Path(folder).rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:  # busy: its last process is ending
                time.sleep(0.05)


def sweep() -> None:
    """Remove what clusters left whose guard was killed."""
    groups = {Path(PLACE) / group.name for group in _groups(f"{PREFIX}*")}
    for folder in groups | set(Path(PLACE).glob(f"{PREFIX}*")):
        if not guards(folder):
            remove(folder)


def guards(folder: Path) -> bool:
    """Tell whether a folder's guard lives, be it one of another checkout."""
    with contextlib.suppress(psutil.Error, ValueError):
        return any(Path(word).name == Path(__file__).name for word in _guard(folder).cmdline())
    return False


def kept() -> list[Path]:
    """Find the clusters that outlive the process which started them."""
    folders = Path(PLACE).glob(f"{PREFIX}*")
    return [folder for folder in folders if guards(folder) and KEEP in _guard(folder).cmdline()]


def end(folder: Path) -> None:
    """End a kept cluster."""
    guard = _guard(folder)
    guard.terminate()
    guard.wait()


def _guard(folder: Path) -> psutil.Process:
    return psutil.Process(int(folder.name.removeprefix(PREFIX)))


if __name__ == "__main__":
    main(*sys.argv[1:])
