"""Do one piece of work: a function in this process, so that breakpoints work; anything else as a runner does it.

A function in this process has no time limits and no protection from a crash. ``isolated`` work is a process of its
own, as in a runner, with the time limits of its job.
"""

from __future__ import annotations

import bdb
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow_mcp_provider.errors import SubtaskError
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.arguments import bind_arguments
from airflow_mcp_provider.runtime.container import Engine
from airflow_mcp_provider.runtime.docker import Docker, Limits, program
from airflow_mcp_provider.runtime.execute import Call, perform
from airflow_mcp_provider.runtime.function import await_if_needed, describe
from airflow_mcp_provider.runtime.ipc_server import Channel, IpcServer
from airflow_mcp_provider.runtime.payload import json_text
from airflow_mcp_provider.runtime.reference import resolve
from airflow_mcp_provider.runtime.runner_folder import private_folder
from airflow_mcp_provider.runtime.size_limits import MAX_RESULT_BYTES
from airflow_mcp_provider.runtime.stdout import LastLine, Reader
from airflow_mcp_provider.spec import ContainerWork, Pod, PythonWork, RunnerWork, StepTimeouts, Timeouts


@dataclass(frozen=True)
class Piece:
    """A piece of work and its surroundings; see ``runtime.execute.perform`` for the fields."""

    work: RunnerWork
    call: Call
    channel: Channel
    key_field: str | None = None
    timeouts: StepTimeouts | None = None
    pod: Pod | None = None
    after: Callable[[Any], Any] = await_if_needed
    limit: int = MAX_RESULT_BYTES
    printed: Reader = LastLine


def do(piece: Piece, *, isolated: bool) -> Any:  # noqa: ANN401 - any JSON
    """Return the result of the work; raises what ``perform`` raises, KeyboardInterrupt when a debugger was left."""
    if isinstance(piece.work, PythonWork) and not isolated:
        return _here(piece.work, piece)
    bounds = piece.timeouts or StepTimeouts()
    return perform(
        piece.work,
        piece.call,
        channel=piece.channel,
        timeouts=Timeouts(soft=bounds.soft, hard=bounds.hard) if isolated else Timeouts(),
        key_field=piece.key_field,
        after=piece.after,
        limit=piece.limit,
        engine=_engine(piece.pod) if isinstance(piece.work, ContainerWork) else None,
        printed=piece.printed,
    )


def _here(work: PythonWork, piece: Piece) -> Any:  # noqa: ANN401 - any JSON
    # Without a sweep: this process makes a folder for each subtask, and a runner makes one.
    with private_folder(sweeps=False) as folder, IpcServer(folder, piece.channel, piece.key_field) as server:
        server.listen()
        with _variables(server.environment):
            text = _called(work, piece)
        server.drain()
    json_text(json.loads(text), "result", piece.limit)
    return json.loads(redaction.json_text(text))


def _called(work: PythonWork, piece: Piece) -> str:
    try:
        function = resolve(work.python)
        positional, named = bind_arguments(work.python, function, piece.call.arguments, piece.call.names)
        return json_text(piece.after(function(*positional, **named)), "result", sys.maxsize)
    except bdb.BdbQuit:
        raise KeyboardInterrupt from None
    except (Exception, SystemExit) as error:  # as in the process of a runner's work
        plain = describe(error)
        sys.stderr.write(plain["trace"])
        raise SubtaskError(plain["message"], kinds=plain["kinds"], trace=plain["trace"]) from error


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _engine(pod: Pod | None) -> Engine:
    shape = pod or Pod()
    limits = shape.resources.limits
    pull = shape.pull_policy == "Always"
    own = Limits(dict(shape.env), limits.get("memory"), limits.get("cpu"), pull=pull)
    return Docker(program(), f"test-{os.getpid()}", {"mcp/run": "test"}, own)
