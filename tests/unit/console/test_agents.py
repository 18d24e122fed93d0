"""What ``mcp-jobs agents`` refuses before it serves; tests/integration/agents has all the rest."""

import sys

import pytest

from airflow_mcp_provider.console.exit_codes import Exit
from airflow_mcp_provider.console.main import main


@pytest.mark.parametrize("program", ["mcp-jobs", "airflow mcp"])
def test_without_the_extra_it_names_what_to_install(program, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp", None)
    if program == "mcp-jobs":
        assert main(["agents"]) == Exit.ERROR
    else:
        from airflow.cli.cli_parser import get_parser

        get_parser.cache_clear()
        args = get_parser().parse_args(["mcp", "agents"])
        with pytest.raises(SystemExit) as seen:
            args.func(args)
        assert seen.value.code == Exit.ERROR
    printed = capsys.readouterr()
    assert f"{program} agents: the module mcp is missing" in printed.err
    assert "pip install 'airflow-mcp-provider[agents]'" in printed.err
    assert printed.out == ""


def test_a_user_needs_a_password_in_the_environment(monkeypatch, capsys):
    monkeypatch.delenv("MCP_JOBS_PASSWORD", raising=False)
    assert main(["agents", "--user", "anna"]) == Exit.USAGE
    assert "--user without the variable MCP_JOBS_PASSWORD" in capsys.readouterr().err


def test_a_wrong_address_is_an_error_before_anything_is_served(monkeypatch, capsys):
    assert main(["agents", "--url", "localhost", "--token", "x"]) == Exit.USAGE
    assert "invalid URL 'localhost'" in capsys.readouterr().err


def test_another_version_of_the_sdk_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "airflow_mcp_provider.agents.stdio", None)
    monkeypatch.delattr("airflow_mcp_provider.agents.stdio", raising=False)
    assert main(["agents", "--token", "x"]) == Exit.ERROR
    assert "expected: pip install 'airflow-mcp-provider[agents]'" in capsys.readouterr().err
