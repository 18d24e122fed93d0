"""Completion in a shell: argcomplete calls the program at each Tab; jobs and runs come from the HTTP API.

Source: https://kislyuk.github.io/argcomplete/
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import argcomplete
from argcomplete.io import debug
from argcomplete.shell_integration import shellcode

from airflow_mcp_provider.console.arguments import LATEST

TIMEOUT_S = 2.0
MOST = 50
Complete = Callable[..., Iterable[str]]


def completion(args: Namespace, program: str, default_url: str | None) -> int:  # noqa: ARG001 - as all commands
    """Print the code for a shell."""
    print(shellcode([program], shell=args.shell))  # noqa: T201 - the command's output
    return 0


def answer(parser: ArgumentParser) -> None:
    """Answer the shell, and end the program."""
    for command in _commands(parser):
        for action in command._actions:  # noqa: SLF001 - argparse has no public list of them
            action.completer = COMPLETERS.get(getattr(action, "completer", ""))  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser, always_complete_options=False)


def _commands(parser: ArgumentParser) -> Iterable[ArgumentParser]:
    (subparsers,) = (action for action in parser._actions if action.choices)  # noqa: SLF001 - likewise
    return dict(subparsers.choices or {}).values()


def jobs(prefix: str, parsed_args: Namespace, **_: Any) -> list[str]:
    """Return the ids of jobs that begin with a text."""
    return _quietly(lambda: _jobs(parsed_args, prefix))


def runs(prefix: str, parsed_args: Namespace, **_: Any) -> list[str]:
    """Return jobs for the first name, runs of the job for the second one."""
    names = parsed_args.names or []
    if not names:
        return _quietly(lambda: _jobs(parsed_args, prefix))
    return _quietly(lambda: _runs(parsed_args, names[0], prefix))


def _jobs(args: Namespace, prefix: str) -> list[str]:
    found = islice(_client(args).jobs(search=prefix or None, page=MOST), MOST)
    return [one.job for one in found if one.job.startswith(prefix)]


def _runs(args: Namespace, job: str, prefix: str) -> list[str]:
    found = islice(_client(args).runs(job, page=MOST), MOST)
    return [name for name in (LATEST, *(one.run for one in found)) if name.startswith(prefix)]


def _client(args: Namespace) -> Any:  # noqa: ANN401 - JobClient, imported when it is used
    from airflow_mcp_provider.client import JobClient  # noqa: PLC0415 - only for names that the server knows
    from airflow_mcp_provider.console import server  # noqa: PLC0415 - likewise

    args.user = None  # a completion cannot ask for a password
    found = server.find(args, os.environ)
    return JobClient(found.url, token=found.token, patience=0, timeout=TIMEOUT_S)


def _quietly(names: Callable[[], list[str]]) -> list[str]:
    """Return names; none where the server does not respond: a shell must not show a traceback at Tab."""
    try:
        return names()
    except Exception as error:  # noqa: BLE001 - whatever it is
        debug(error)
        return []


COMPLETERS: dict[str, Complete] = {"jobs": jobs, "runs": runs}
