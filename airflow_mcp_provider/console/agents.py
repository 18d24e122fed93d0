"""``mcp-jobs agents``: the Model Context Protocol over stdin and stdout, for an agent that starts this program."""

from __future__ import annotations

import os
from argparse import Namespace
from importlib.util import find_spec

from airflow_mcp_provider.console import server
from airflow_mcp_provider.errors import InstallationError, InvalidRequest


def agents(args: Namespace, program: str, default_url: str | None) -> int:
    """Serve until stdin is closed."""
    if find_spec("mcp") is None:
        raise _not_installed(program, "the module mcp is missing")
    if args.user and server.PASSWORD not in os.environ:
        text = f"--user without the variable {server.PASSWORD}: stdin is for the messages of the agent"
        raise InvalidRequest(text, url="--user", next_step=f"set {server.PASSWORD}, or use a token")
    found = server.find(args, os.environ, default_url)
    try:
        from airflow_mcp_provider.agents import stdio  # noqa: PLC0415 - the extra, and it takes seconds
    except ImportError as error:
        raise _not_installed(program, str(error)) from error
    stdio.run(found.url, token=found.token, user=found.user, password=found.password)
    return 0


def _not_installed(program: str, found: str) -> InstallationError:
    return InstallationError(f"{program} agents: {found}; expected: pip install 'airflow-mcp-provider[agents]'")
