"""The arguments of `airflow mcp …`, as Airflow's parser makes them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from airflow_mcp_provider.cli.definition import COMMANDS


def arguments(command: str, *words: str) -> Namespace:
    (found,) = (one for one in COMMANDS if one.name == command)
    parser = ArgumentParser()
    for one in found.args:
        one.add_to_parser(parser)
    return parser.parse_args(words)
