"""The program ``mcp-jobs``: reads the command line, runs the command, and turns errors into messages and exit codes.

Runs in a shell, with an Airflow that is anywhere. Imports no Airflow.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from io import TextIOWrapper

from airflow_mcp_provider.console import text
from airflow_mcp_provider.console.arguments import COMMANDS, OWN_COMMANDS, Command
from airflow_mcp_provider.console.exit_codes import Exit, of_error
from airflow_mcp_provider.errors import McpError, RequestFailed

PROGRAM = "mcp-jobs"
DESCRIPTION = "Submit, watch and cancel runs of the jobs of airflow-mcp-provider, over its HTTP API."
EPILOG = "Exit codes: 0 completed, 1 error, 2 usage, 3 refused, 4 partial, 5 timeout, 6 cancelled, 7 not found, "
EPILOG += "8 access denied, 9 no server, 10 still running."
COMPLETING = "_ARGCOMPLETE"
"""Set by the shell when it asks for completions."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    made = parser()
    if COMPLETING in os.environ:
        from airflow_mcp_provider.console.complete import answer  # noqa: PLC0415 - only when the shell asks

        answer(made)
    args = made.parse_args(arguments)
    return run(args, args.command)


def parser() -> ArgumentParser:
    """Return the parser of the command line; ``command`` of its result is the Command."""
    made = ArgumentParser(PROGRAM, description=DESCRIPTION, epilog=EPILOG)
    commands = made.add_subparsers(metavar="COMMAND", required=True)
    for command in (*COMMANDS, *OWN_COMMANDS):
        one = commands.add_parser(command.name, help=command.help, description=command.description or command.help)
        for argument in command.arguments:
            action = one.add_argument(*argument.flags, **argument.options)
            action.completer = argument.complete  # type: ignore[attr-defined]  # read by complete.py
        one.set_defaults(command=command)
    return made


def run(args: Namespace, command: Command, *, program: str = PROGRAM, default_url: str | None = None) -> int:
    """Run a command and return its exit code."""
    try:
        return _flushed(_function(command)(args, program, default_url))
    except RequestFailed as error:
        return _failed(f"{error.detail}\n  {error.next_step}\n  {error.url}", of_error(error))
    except McpError as error:
        return _failed(str(error), of_error(error))
    except TimeoutError as error:
        return _failed(str(error), Exit.STILL_RUNNING)
    except BrokenPipeError:
        # The reader of a pipe, for example head, has ended. Python would write to it again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.CLOSED_PIPE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def _function(command: Command) -> Callable[[Namespace, str, str | None], int]:
    module, _, name = command.function.partition(":")
    found: Callable[[Namespace, str, str | None], int] = getattr(
        import_module(f"airflow_mcp_provider.console.{module}"), name
    )
    return found


def _flushed(code: int) -> int:
    """Return an exit code when all output is written: a closed pipe is noticed here, not at the end of Python."""
    sys.stdout.flush()
    return code


def _failed(message: str, code: Exit) -> int:
    print(f"error: {text.lines(message)}", file=sys.stderr)  # noqa: T201 - the command's output
    return code


def script() -> None:
    """Run as a program."""
    # Otherwise pydantic reads the metadata of each package of the environment, to look for plugins: 20 ms.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a key may have characters that the terminal does not
    sys.exit(main())


if __name__ == "__main__":
    script()
