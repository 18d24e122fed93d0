"""One check in a process of its own: call a function, or become a command. Runs in a child of ``forkserver``.

A check may hang, crash or use much memory: the limits that are set here hold for it and for what it starts.
"""

from __future__ import annotations

import asyncio
import fcntl
import inspect
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.runtime.function import describe
from airflow_mcp_provider.runtime.payload import json_text
from airflow_mcp_provider.runtime.processes import die_with_parent
from airflow_mcp_provider.runtime.reference import resolve
from airflow_mcp_provider.trigger.messages import MOST_BYTES, Request

MOST_MEMORY = 1 << 30
"""Bytes of data that a process of a check may have: one that needs more gets an error, and not the triggerer."""
NICENESS = 5
"""Checks give way to the triggerer on a busy host."""
_FIRST_FREE = 10
"""Above the descriptors of a check."""
_RESULT = 3
_NOT_STARTED = 127
_MOST_CHARS = 4_000


def run(request: Request, result: int, log: int) -> NoReturn:
    """Run the check and end this process; ``result`` and ``log`` are pipes."""
    result, log = (fcntl.fcntl(one, fcntl.F_DUPFD, _FIRST_FREE) for one in (result, log))
    os.setsid()
    die_with_parent()
    _limit()
    _descriptors(request, result, log)
    with suppress(OSError, IndexError):
        os.chdir(request.folders[0])
    if request.command:
        _become(request.command)
    _call(request)


def _descriptors(request: Request, result: int, log: int) -> None:
    """Connect the standard streams to the pipes, and close the files of ``forkserver``."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(result if request.command else log, 1)
    os.dup2(log, 2)
    os.dup2(result, _RESULT)
    os.closerange(_RESULT + (0 if request.command else 1), _most_files())
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115 - until the exit
    sys.stderr = open(2, "w", closefd=False, buffering=1)  # noqa: SIM115 - likewise


def _most_files() -> int:
    return min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65_536)


def _limit() -> None:
    signal.set_wakeup_fd(-1)
    for inherited in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        signal.signal(inherited, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):  # a lower limit of the host stays
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    with suppress(OSError):  # where memory is short, Linux kills the check first
        Path("/proc/self/oom_score_adj").write_text("1000")
    with suppress(OSError):
        os.nice(NICENESS)


def _become(command: tuple[str, ...]) -> NoReturn:
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command of the spec, without a shell
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}".encode())
    os._exit(_NOT_STARTED)


def _call(request: Request) -> NoReturn:
    sys.path.extend(folder for folder in request.folders if folder not in sys.path)
    text = _outcome(request.python or "")
    with suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()
    data = text.encode()
    while data:
        data = data[os.write(_RESULT, data) :]
    os._exit(0)  # without threads and exit handlers of the check, which could hang


def _outcome(reference: str) -> str:
    """Return ``{"result": …}`` or ``{"error": …}`` as JSON."""
    try:
        return '{"result":' + json_text(_returned(resolve(reference)()), "result of the check", MOST_BYTES // 2) + "}"
    except BaseException as error:  # noqa: BLE001 - SystemExit of a check is an error, too
        failure = describe(error)
        parts = ("" if isinstance(error, SpecError) else failure["kinds"][0], failure["message"])
        return json.dumps({"error": ": ".join(part for part in parts if part)[:_MOST_CHARS]})


def _returned(value: Any) -> Any:  # noqa: ANN401 - whatever a function returns
    return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value: Any) -> Any:  # noqa: ANN401 - likewise
    return await value
