"""Where a command writes: documents to stdout, notes and progress to stderr, so that programs can read stdout."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_mcp_provider.client import JobClient
from airflow_mcp_provider.client.models import Model
from airflow_mcp_provider.console import server, text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

T = TypeVar("T")
WIDE = 10_000
"""Columns where the output is not a terminal: nothing is cut then."""
PATIENCE_S = 3.0
"""A person sees soon that there is no server."""
LONG_PATIENCE_S = 600.0
"""A run goes on without its server; so does the one who waits for it."""


class Screen:
    """The output of one command, and the client that it uses."""

    def __init__(self, args: Namespace, program: str, default_url: str | None) -> None:
        self.program = program
        self.output: str = args.output
        self._args = args
        self._default_url = default_url

    @property
    def where(self) -> list[str]:
        """The arguments that name the server, for a command that is shown to the user."""
        given = (("--url", self._args.url), ("--env", self._args.env))
        return [word for flag, value in given if value for word in (flag, value)]

    @cached_property
    def client(self) -> JobClient:
        """The client for the server of the command."""
        return self._client(PATIENCE_S)

    @cached_property
    def patient(self) -> JobClient:
        """The client for waiting: it goes on when the server has started again."""
        return self._client(LONG_PATIENCE_S)

    def _client(self, patience: float) -> JobClient:
        found = self._server
        return JobClient(found.url, token=found.token, user=found.user, password=found.password, patience=patience)

    @cached_property
    def _server(self) -> server.Server:
        return server.find(self._args, os.environ, self._default_url)

    @cached_property
    def stdout(self) -> Console:
        """The console for tables."""
        return _console(stderr=False)

    @cached_property
    def stderr(self) -> Console:
        """The console for progress."""
        return _console(stderr=True)

    def show(self, value: Model | Sequence[Model], table: Callable[[], RenderableType]) -> None:
        """Print a document, or a list of them, in the format of the command."""
        if self.output == "table":
            self._table(table())
        else:
            print(self.text(_plain(value)))  # noqa: T201 - the command's output

    def _table(self, table: RenderableType) -> None:
        if self.stdout.is_terminal:
            self.stdout.print(table)
            return
        with self.stdout.capture() as drawn:
            self.stdout.print(table)
        for line in drawn.get().splitlines():
            print(line.rstrip())  # noqa: T201 - the command's output; rich fills each line of a table with spaces

    def first(self, entries: Iterator[T], most: int) -> list[T]:
        """Return the first entries of a list, and print a note if there are more."""
        found = list(islice(entries, most))
        if len(found) == most and next(entries, None) is not None:
            self.note(f"only the first {most} are shown; --limit shows more")
        return found

    def text(self, value: Any) -> str:  # noqa: ANN401 - any JSON
        """Return JSON values in the format for programs."""
        if self.output == "json":
            return json.dumps(value, indent=2, ensure_ascii=False)
        import yaml  # noqa: PLC0415 - only for -o yaml

        return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, explicit_start=True).rstrip()

    def note(self, message: str) -> None:
        """Print a line for people."""
        print(text.lines(message), file=sys.stderr, flush=True)  # noqa: T201 - the command's output


def _plain(value: Model | Sequence[Model]) -> Any:  # noqa: ANN401 - any JSON
    return value.model_dump(mode="json") if isinstance(value, Model) else [one.model_dump(mode="json") for one in value]


def _console(*, stderr: bool) -> Console:
    from rich.console import Console  # noqa: PLC0415 - only for tables

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # main() ends the program; rich would end it with the exit code of an error

    stream = sys.stderr if stderr else sys.stdout
    return Ours(file=stream, width=None if stream.isatty() else WIDE, highlight=False, soft_wrap=False)
