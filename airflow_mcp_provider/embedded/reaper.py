"""Ends everything that an embedded Airflow started, however its owner ends.

A process of its own, started by ``processes.py`` as a plain script: it waits for its stdin to close and then ends
the processes that carry its mark and removes their temporary folders. The owner's stop closes the pipe; an owner that
was killed closes it too, even by SIGKILL. ``PR_SET_PDEATHSIG`` would not do: it fires when the *thread* that forked
ends, it reaches direct children alone, and Airflow's tasks are grandchildren in process groups of their own.

Imports nothing of this package nor of Airflow: it must start in no time and outlive whatever breaks there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Collection

MARK = "AIRFLOW_MCP_EMBEDDED"  # environment variable, inherited by every descendant: "<home>#<process name>"
DATABASE = "database"
GRACE = 3.0  # seconds between SIGTERM and SIGKILL
FOREVER = 30.0  # seconds after which a process that survives SIGKILL (uninterruptible I/O) is given up


def marked(home: str, names: Collection[str] = ()) -> list[psutil.Process]:
    """Find the living processes of an embedded Airflow: all, or those of some names."""
    found = ((process, mark(process)) for process in psutil.process_iter())
    return [process for process, (at, name) in found if at == home and (not names or name in names)]


def mark(process: psutil.Process) -> tuple[str, str]:
    """Tell the home and the name in a process's mark; empty when it has none, or has ended."""
    with contextlib.suppress(psutil.Error, OSError):
        home, _, name = process.environ().get(MARK, "").rpartition("#")
        return home, name
    return "", ""


def terminate(home: str, grace: float = GRACE) -> None:
    """Ask Airflow's programs to end, then make them; the database last, for the others write to it until their end."""
    names = {mark(process)[1] for process in marked(home)} - {DATABASE, ""}
    servers = {name for name in names if name.startswith("api-server")}
    # An API server has nothing to lose, and takes seconds to take itself apart: it is not waited for.
    _ask(home, signal.SIGTERM, grace, names - servers)
    kill(home, names)
    _ask(home, signal.SIGINT, grace, {DATABASE})  # to Postgres: do not wait for the clients
    kill(home)


def _ask(home: str, number: signal.Signals, grace: float, names: set[str]) -> None:
    """Signal the programs themselves, each the leader of its session, and give them a while."""
    send([process for process in marked(home, names) if _leads(process)], number)
    deadline = time.monotonic() + grace
    while names and marked(home, names) and time.monotonic() < deadline:
        time.sleep(0.05)


def _leads(process: psutil.Process) -> bool:
    with contextlib.suppress(OSError):
        return os.getsid(process.pid) == process.pid
    return False


def kill(home: str, names: Collection[str] = ()) -> None:
    """SIGKILL until none is left: a process may fork between our look and our signal."""
    deadline = time.monotonic() + FOREVER
    while (alive := marked(home, names)) and time.monotonic() < deadline:
        send(alive, signal.SIGKILL)
        time.sleep(0.02)


def send(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Signal each; one that has ended meanwhile is what we want."""
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            process.send_signal(number)


def main(home: str, *folders: str) -> None:
    """Wait for the owner's end, then end and remove what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # our owner's end is the only reason to end
    while os.read(0, 1024):
        pass
    terminate(home)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
