"""The commands of ``airflow mcp`` and their arguments.

Every ``airflow`` command imports this module to list all commands. So it imports nothing else of this package but the
arguments of ``mcp-jobs``, which import nothing; the implementation of a command is imported when the command runs.
"""

from __future__ import annotations

from typing import Any

from airflow.cli.cli_config import ARG_VERBOSE, ActionCommand, Arg, CLICommand, GroupCommand, lazy_load_command

from airflow_mcp_provider.console import arguments


def _arg(*names: str, **options: Any) -> Arg:
    return Arg(names, **options)  # type: ignore[no-untyped-call] # Airflow's class has no types


ARG_OUTPUT = _arg("-o", "--output", choices=("table", "json"), default="table", help="Output format (default: table).")
ARG_SPECS = _arg("paths", nargs="+", metavar="PATH", help="A job spec, or a folder of job specs (*.yaml, *.yml).")
ARG_NO_IMPORTS = _arg("--no-imports", action="store_true", help="Do not import the functions that the specs name.")
ARG_IMPORT_TIMEOUT = _arg(
    "--import-timeout",
    metavar="DURATION",
    default="30s",
    help="The time limit for the imports of one spec (default: 30s).",
)
ARG_DAG_FOLDER = _arg(
    "--dag-folder",
    metavar="FOLDER",
    help=(
        "The folder in which Airflow looks for the modules of jobs (default: the DAG bundle that has the specs, or the "
        "folder of the DAG file that loads them)."
    ),
)
ARG_STRICT = _arg("--strict", action="store_true", help="Exit with status 1 for a warning, too.")
ARG_JOB_OR_PATH = _arg(
    "job", metavar="JOB", help="A job spec, or the id of a job whose spec is in the DAG folder of this Airflow."
)
ARG_RESOLVED = _arg("--resolved", action="store_true", help="Also show each value, and the file that it is from.")
ARG_TREE = _arg(
    "path", nargs="?", metavar="PATH", help="The directory to scan (default: the installed Airflow package)."
)
ARG_KEEP = _arg("--keep", action="store_true", help="Keep Airflow running after the report, until Ctrl-C.")

COMMANDS = (
    ActionCommand(
        name="check",
        help="Check this installation and show how to fix it",
        description=(
            "Checks the configuration that jobs need. Exits with status 1 when something is missing; advice does not "
            "change the exit status."
        ),
        func=lazy_load_command("airflow_mcp_provider.cli.check.main"),
        args=(ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="validate",
        help="Check job specs, and the functions that they name, without running them",
        description=(
            "Prints all errors of all specs as file:line, and exits with status 1 when there are any. Imports the "
            "functions that the specs name, in child processes."
        ),
        func=lazy_load_command("airflow_mcp_provider.cli.validate.main"),
        args=(ARG_SPECS, ARG_NO_IMPORTS, ARG_IMPORT_TIMEOUT, ARG_DAG_FOLDER, ARG_STRICT, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="explain",
        help="Show what a job becomes: tasks, limits, runners, schedule and next runs",
        description=(
            "Shows the DAG of a job, the most runners that a run may have, the rules of its queue, and its next runs. "
            "Needs no running Airflow."
        ),
        func=lazy_load_command("airflow_mcp_provider.cli.explain.main"),
        args=(ARG_JOB_OR_PATH, ARG_RESOLVED, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="schema",
        help="Print the JSON Schema of a job spec, for use in an editor",
        func=lazy_load_command("airflow_mcp_provider.cli.validate.schema"),
        args=(),
    ),
    ActionCommand(
        name="demo",
        help="Start a temporary Airflow, run the example job `inventory` and show its report",
        description=(
            "Requires airflow-mcp-provider[embedded]. All processes and files of the temporary Airflow are removed at "
            "the end."
        ),
        func=lazy_load_command("airflow_mcp_provider.cli.demo.main"),
        args=(ARG_TREE, ARG_KEEP),
    ),
)


def _of_console(command: arguments.Command) -> ActionCommand:
    """Return a command of ``mcp-jobs`` as a command of ``airflow mcp``."""
    return ActionCommand(
        name=command.name,
        help=command.help,
        description=command.description or command.help,
        func=lazy_load_command("airflow_mcp_provider.cli.jobs.main"),
        args=[_arg(*one.flags, **one.options) for one in command.arguments],
    )


def get_cli_commands() -> list[CLICommand]:
    """Return the command group ``airflow mcp``."""
    commands = (*COMMANDS, *map(_of_console, arguments.COMMANDS))
    return [GroupCommand(name="mcp", help="Manage jobs of airflow-mcp-provider", subcommands=commands)]
