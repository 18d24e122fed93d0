"""Run one piece of work within its time limits and return its result.

Runs in the runner, in the process of the task. The work is a child of this process: see ``function`` and ``command``
for its two kinds, ``processes`` for how it is ended. For a ``container`` the child process controls the container.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psutil import Process

from airflow_mcp_provider.errors import HardTimeout, InstallationError, SoftTimeout, SubtaskError
from airflow_mcp_provider.runtime import (
    command,
    container,
    environment,
    function,
    memory,
    processes,
    redaction,
    soft_stop,
)
from airflow_mcp_provider.runtime.arguments import bind_arguments
from airflow_mcp_provider.runtime.argv import filled as argv_of
from airflow_mcp_provider.runtime.function import Line, NoLine
from airflow_mcp_provider.runtime.ipc_server import PIPE, Channel, IpcServer
from airflow_mcp_provider.runtime.payload import json_text
from airflow_mcp_provider.runtime.reference import resolve
from airflow_mcp_provider.runtime.runner_folder import private_folder
from airflow_mcp_provider.runtime.size_limits import MAX_RESULT_BYTES
from airflow_mcp_provider.runtime.stdout import LastLine, Reader
from airflow_mcp_provider.spec import CommandWork, ContainerWork, PythonWork, RunnerWork, ShellWork, Timeouts


@dataclass(frozen=True)
class Call:
    """The input of the work: the arguments of a function, the values of a command's placeholders.

    ``subtask`` is the payload (empty for plan and report), ``params`` are the run's parameters, ``arguments`` those of
    a function, most important first, ``names`` their names in error messages, separated by ``, ``.
    """

    arguments: tuple[Any, ...]
    names: str
    subtask: Mapping[str, Any]
    params: Mapping[str, Any]


def perform(  # noqa: PLR0913 - everything that a runner has
    work: RunnerWork,
    call: Call,
    *,
    channel: Channel,
    timeouts: Timeouts,
    key_field: str | None = None,
    line: Line | None = None,
    after: Callable[[Any], Any] = function.await_if_needed,
    limit: int = MAX_RESULT_BYTES,
    engine: container.Engine | None = None,
    printed: Reader = LastLine,
) -> Any:  # noqa: ANN401 - any JSON
    """Run ``work`` and return its result (JSON).

    ``limit`` is the largest size of the result, in bytes of JSON. ``after`` is applied to a function's return value
    inside the process of the work (plan consumes its generator there). ``engine`` runs work that is a container.
    ``printed`` reads the result of a command from its output. ``line`` is the connection to Airflow's supervisor.

    Raises SubtaskError, SoftTimeout, HardTimeout; SpecError for a function that does not exist; EnqueueRefused when a
    line in ``$MCP_ENQUEUE`` was refused.
    """
    processes.adopt_orphans()
    others, killed = processes.descendants(), memory.oom_kills()
    with private_folder() as folder, IpcServer(folder, channel, key_field) as server:
        start = _Start(folder / "result", server.environment, timeouts, line or NoLine(), after, printed, others)
        try:
            pid, read = start.work(work, call, engine)
            server.listen()
            soft = isinstance(work, PythonWork | ContainerWork)
            with soft_stop.stoppable(pid, handles_soft=soft):
                code = _limited(pid, timeouts, handles_soft=soft)
            value = read(code)
        except SubtaskError as error:
            raise memory.with_oom_kill(error, killed) from None
        finally:
            processes.kill_all(keep=others)
            if engine:
                engine.remove()
        server.drain()
        json_text(value, "result", limit)
        return value


@dataclass(frozen=True)
class _Start:
    """Starts the work: ``result`` is the path of its result file, ``environment`` its additional variables."""

    result: Path
    environment: Mapping[str, str]
    timeouts: Timeouts
    line: Line
    after: Callable[[Any], Any]
    printed: Reader
    others: frozenset[Process]

    def work(self, work: RunnerWork, call: Call, engine: container.Engine | None) -> tuple[int, Callable[[int], Any]]:
        if isinstance(work, ContainerWork):
            if engine is None:
                raise InstallationError(
                    "no container engine in this runner; expected Docker, or the KubernetesExecutor"
                )
            return self.container(work, call, engine)
        return self.function(work, call) if isinstance(work, PythonWork) else self.command(work, call)

    def container(self, work: ContainerWork, call: Call, engine: container.Engine) -> tuple[int, Callable[[int], Any]]:
        values = {**call.params, **call.subtask}
        named = environment.variables(call.subtask, call.params)
        variables = environment.fitting(named, environment.MAX_CONTAINER_BYTES)
        pipe = Path(self.environment[PIPE])
        files = environment.texts(call.subtask, call.params)
        request = container.container_request(
            work.container, values, variables, self.timeouts, pipe, self.printed, files
        )
        engine.prepare()
        return self._forked(lambda: engine.run(request))

    def function(self, work: PythonWork, call: Call) -> tuple[int, Callable[[int], Any]]:
        def body() -> Any:  # noqa: ANN401 - whatever it returns
            os.environ.update(self.environment)
            user = resolve(work.python)
            positional, named = bind_arguments(work.python, user, call.arguments, call.names)
            return self.after(user(*positional, **named))

        return self._forked(body, redaction.json_text)

    def _forked(self, body: Callable[[], Any], clean: Callable[[str], str] = str) -> tuple[int, Callable[[int], Any]]:
        pid = function.fork(body, result=self.result, line=self.line, clean=clean)
        return pid, lambda code: function.read(self.result, code)

    def command(self, work: CommandWork | ShellWork, call: Call) -> tuple[int, Callable[[int], Any]]:
        argv = _argv(work, call)
        files = environment.write(environment.texts(call.subtask, call.params), self.result.parent)
        given = {**os.environ, **self.environment, **files}
        named = environment.variables(call.subtask, call.params)
        variables = environment.fitting(named, environment.room(given, argv))
        running = command.start(argv, {**given, **variables}, self.result, self.printed())
        return running.pid, lambda code: running.read(code, lambda: processes.kill_all(keep=self.others))


def _argv(work: CommandWork | ShellWork, call: Call) -> list[str]:
    if isinstance(work, ShellWork):
        return ["/bin/sh", "-c", work.shell]
    return argv_of(work.command, {**call.params, **call.subtask})


def _limited(pid: int, timeouts: Timeouts, *, handles_soft: bool) -> int:
    """Wait within the limits; ``handles_soft``: the work raises SoftTimeout itself (functions, containers)."""
    began = time.monotonic()
    soft, hard = (limit.total_seconds() if limit else None for limit in (timeouts.soft, timeouts.hard))
    first = soft if soft is not None else hard
    code = processes.wait(pid, first)
    if code is None and soft is not None:
        (processes.raise_soft_timeout if handles_soft else processes.terminate)(pid)
        code = processes.wait(pid, None if hard is None else began + hard - time.monotonic())
        if code is not None and not handles_soft:
            raise SoftTimeout(f"timeouts.soft ({soft:g} s) passed; the command received SIGTERM and ended")
    if code is None:
        raise HardTimeout(f"timeouts.hard ({hard:g} s) passed; the work and all its processes were killed")
    return code
