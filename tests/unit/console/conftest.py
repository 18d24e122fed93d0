"""The command line against the real application behind a socket; see tests/unit/client/conftest.py."""

import os

import pytest

from airflow_mcp_provider.console.main import main
from tests.unit.client.conftest import (  # noqa: F401 - fixtures
    application,
    database,
    empty,
    engine,
    job,
    jobs,
    make_job,
    materializer,
    once_followed,
    set_run,
    url,
)


@pytest.fixture(autouse=True)
def own_environment(tmp_path, monkeypatch):
    """No profile and no token of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW_CLI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def mcp(url, capsys):  # noqa: F811 - the fixture
    """Run a command; returns its exit code, stdout and stderr."""

    def run(*arguments, token="anna"):
        code = main([*map(str, arguments), "--url", url, "--token", token])
        out = capsys.readouterr()
        return code, out.out, out.err

    return run
