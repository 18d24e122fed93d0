"""The commands and their arguments, in both programs."""

from importlib import import_module

import pytest

from airflow_mcp_provider.console.arguments import COMMANDS, OWN_COMMANDS, STATES, SUBTASK_STATES
from airflow_mcp_provider.console.main import parser


def test_each_command_has_its_function():
    for command in (*COMMANDS, *OWN_COMMANDS):
        module, _, name = command.function.partition(":")
        assert callable(getattr(import_module(f"airflow_mcp_provider.console.{module}"), name))


def test_the_states_are_those_of_the_server():
    """They stand in ``arguments``, too, which imports nothing."""
    from airflow_mcp_provider.client import RunState, SubtaskState

    assert (tuple(RunState), tuple(SubtaskState)) == (STATES, SUBTASK_STATES)


@pytest.mark.parametrize("width", ["40", "80", "200"])
@pytest.mark.parametrize("command", [one.name for one in (*COMMANDS, *OWN_COMMANDS)])
def test_help(command, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", width)
    with pytest.raises(SystemExit) as seen:
        parser().parse_args([command, "--help"])
    assert seen.value.code == 0
    assert f"mcp-jobs {command}" in capsys.readouterr().out


def test_the_arguments_of_a_submit():
    args = parser().parse_args(["submit", "crawl", "-c", "a=1", "-c", "b=2", "--priority", "-3", "-f", "-o", "json"])
    assert (args.job, args.conf, args.priority, args.follow, args.wait, args.output) == (
        "crawl",
        ["a=1", "b=2"],
        -3,
        True,
        False,
        "json",
    )


def test_airflow_mcp_has_the_same_commands(monkeypatch):
    from airflow.cli.cli_parser import get_parser

    get_parser.cache_clear()
    args = get_parser().parse_args(["mcp", "submit", "crawl", "-c", "a=1", "--wait"])
    assert (args.subcommand, args.job, args.conf, args.wait, args.output) == ("submit", "crawl", ["a=1"], True, "table")
    args = get_parser().parse_args(["mcp", "status", "crawl", "latest"])
    assert args.names == ["crawl", "latest"]


def test_airflow_mcp_uses_the_address_of_its_api_server(monkeypatch, capsys, tmp_path):
    from argparse import Namespace

    from airflow_mcp_provider.cli import jobs

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HOME", str(tmp_path))
    args = Namespace(
        subcommand="list",
        job=None,
        search=None,
        tag=None,
        active=False,
        limit=5,
        output="json",
        url=None,
        token="x",
        user=None,
        env="none",
    )
    with pytest.raises(SystemExit) as seen:
        jobs.main(args)
    assert seen.value.code == 9
    assert "GET http://127.0.0.1:9/job-control/v1/jobs" in capsys.readouterr().err
