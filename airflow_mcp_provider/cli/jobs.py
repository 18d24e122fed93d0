"""The commands of ``mcp-jobs`` as ``airflow mcp submit`` and so on, with the address of this Airflow's API server.

They cost seconds more there, because ``airflow`` imports Airflow for each command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.configuration import conf

from airflow_mcp_provider.console import arguments
from airflow_mcp_provider.console.main import run

if TYPE_CHECKING:
    from argparse import Namespace


def main(args: Namespace) -> None:
    """Run the command; exit with its exit code."""
    (command,) = (one for one in arguments.COMMANDS if one.name == args.subcommand)
    url = conf.get("api", "base_url", fallback="") or None
    raise SystemExit(run(args, command, program="airflow mcp", default_url=url))
