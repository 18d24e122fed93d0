"""Stop all processes of a temporary Airflow when its owner ends, even if the owner is killed.

``processes.py`` starts this module as a script in a separate process. It waits until its stdin is closed, stops the
processes with its mark and removes their temporary folders. The pipe is closed when the owner stops, and also when the
owner is killed with SIGKILL. ``PR_SET_PDEATHSIG`` is not sufficient: it is sent when the *thread* that forked ends, and
only to direct children, whereas Airflow's tasks are grandchildren in their own process groups.

Imports nothing of this package or of Airflow, to start fast and to be independent of errors there.
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
FOREVER = 30.0  # seconds to wait for a process that does not end after SIGKILL (uninterruptible I/O)


def marked(home: str, names: Collection[str] = ()) -> list[psutil.Process]:
    """Return the running processes of the Airflow with this ``home``: all, or those with some names."""
    found = ((process, mark(process)) for process in psutil.process_iter())
    return [process for process, (at, name) in found if at == home and (not names or name in names)]


def mark(process: psutil.Process) -> tuple[str, str]:
    """Return the home and the name from the mark of a process; empty strings without a mark or after its end."""
    with contextlib.suppress(psutil.Error, OSError):
        home, _, name = process.environ().get(MARK, "").rpartition("#")
        return home, name
    return "", ""


def terminate(home: str, grace: float = GRACE) -> None:
    """Send SIGTERM and, after ``grace`` seconds, SIGKILL to the programs; the database is stopped last."""
    names = {mark(process)[1] for process in marked(home)} - {DATABASE, ""}
    servers = {name for name in names if name.startswith("api-server")}
    # Do not wait for an API server: its shutdown takes seconds, and it has no data to write.
    _ask(home, signal.SIGTERM, grace, names - servers)
    kill(home, names)
    _ask(home, signal.SIGINT, grace, {DATABASE})  # to Postgres: do not wait for the clients
    kill(home)


def _ask(home: str, number: signal.Signals, grace: float, names: set[str]) -> None:
    """Send a signal to the programs, which are the leaders of their sessions, and wait up to ``grace`` seconds."""
    send([process for process in marked(home, names) if _leads(process)], number)
    deadline = time.monotonic() + grace
    while names and marked(home, names) and time.monotonic() < deadline:
        time.sleep(0.05)


def _leads(process: psutil.Process) -> bool:
    with contextlib.suppress(OSError):
        return os.getsid(process.pid) == process.pid
    return False


def kill(home: str, names: Collection[str] = ()) -> None:
    """Send SIGKILL until no process is left: a process can fork between the listing and the signal."""
    deadline = time.monotonic() + FOREVER
    while (alive := marked(home, names)) and time.monotonic() < deadline:
        send(alive, signal.SIGKILL)
        time.sleep(0.02)


def send(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each process; ignore those that have ended."""
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            process.send_signal(number)


def main(home: str, *folders: str) -> None:
    """Wait for the end of the owner, then stop its processes and remove its folders."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # end only after the owner
    while os.read(0, 1024):
        pass
    terminate(home)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
