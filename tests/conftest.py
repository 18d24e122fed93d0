"""For all tests: MCP_TEST_PATIENCE scales their time limits; MCP_TEST_FAILED names a file for the ids of failed ones."""

import functools
import inspect
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.sizes import PATIENCE, patient


def pytest_configure() -> None:
    """Scale the time limits of the REST client, with which tests wait; take those of hypothesis away."""
    if find_spec("hypothesis"):  # not in the environment of tests/peers
        from hypothesis import HealthCheck, settings

        settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
        settings.load_profile("any machine")
    if PATIENCE != 1:
        from airflow_mcp_provider.client.airflow_rest import Api

        for name in ("wait", "wait_for_dag"):
            setattr(Api, name, _patient(getattr(Api, name)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a failed test, a line each: ``scripts/test`` runs it once more."""
    if report.failed and (path := os.environ.get("MCP_TEST_FAILED")) and "PYTEST_XDIST_WORKER" not in os.environ:
        with Path(path).open("a", encoding="utf-8") as failed:
            failed.write(f"{report.nodeid}\n")


def _patient(method):
    names = inspect.signature(method)

    @functools.wraps(method)
    def waits(*arguments, **keywords):
        given = names.bind(*arguments, **keywords)
        given.apply_defaults()
        given.arguments["timeout"] = patient(given.arguments["timeout"])
        return method(*given.args, **given.kwargs)

    return waits


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Scale the limits of pytest-timeout: the one in pyproject.toml, and those of marked tests."""
    if PATIENCE == 1 or not config.pluginmanager.hasplugin("timeout"):
        return
    for item in items:
        marker = item.get_closest_marker("timeout")
        limit = marker.args[0] if marker else float(config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(patient(limit)), append=False)
