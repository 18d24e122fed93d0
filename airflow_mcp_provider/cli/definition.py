"""The arguments of ``airflow mcp …``.

Every ``airflow`` command loads this module to know all commands: it imports nothing of ours, and the work is loaded
when a command runs.
"""

from __future__ import annotations

from typing import Any

from airflow.cli.cli_config import ActionCommand, Arg, CLICommand, GroupCommand, lazy_load_command


def _arg(*names: str, **options: Any) -> Arg:
    return Arg(names, **options)  # type: ignore[no-untyped-call] # Airflow's class has no types


ARG_OUTPUT = _arg(
    "-o", "--output", choices=("table", "json"), default="table", help="How to print it (default: table)."
)
ARG_SPECS = _arg("paths", nargs="+", metavar="PATH", help="A job spec, or a folder of them (*.yaml, *.yml).")
ARG_TREE = _arg(
    "path", nargs="?", metavar="PATH", help="The directory tree to walk (default: the installed Airflow itself)."
)
ARG_KEEP = _arg("--keep", action="store_true", help="Leave Airflow up after the report, until Ctrl-C.")

COMMANDS = (
    ActionCommand(
        name="check",
        help="Tell what is active in this installation, with the cure for what is not",
        description="Exits with 1 when something is missing that jobs need. Advice alone does not count as missing.",
        func=lazy_load_command("airflow_mcp_provider.cli.check.main"),
        args=(ARG_OUTPUT,),
    ),
    ActionCommand(
        name="validate",
        help="Check job specs without running them",
        description="Prints every error of every spec as file:line, and exits with 1 when there are any.",
        func=lazy_load_command("airflow_mcp_provider.cli.validate.main"),
        args=(ARG_SPECS,),
    ),
    ActionCommand(
        name="schema",
        help="Print the JSON Schema of a job spec, for editors",
        func=lazy_load_command("airflow_mcp_provider.cli.validate.schema"),
        args=(),
    ),
    ActionCommand(
        name="demo",
        help="Start an Airflow of its own, run the job `inventory` in it, and show the report",
        description="Needs airflow-mcp-provider[embedded]. Everything that it starts and writes is gone at its end.",
        func=lazy_load_command("airflow_mcp_provider.cli.demo.main"),
        args=(ARG_TREE, ARG_KEEP),
    ),
)


def get_cli_commands() -> list[CLICommand]:
    """Return the group ``airflow mcp``."""
    return [GroupCommand(name="mcp", help="Jobs: check, validate, demo", subcommands=COMMANDS)]
