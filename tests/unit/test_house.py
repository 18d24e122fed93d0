"""Where things may be imported, and what is public."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_mcp_provider
from airflow_mcp_provider import errors

ROOT = Path(airflow_mcp_provider.__file__).parent


def loaded_by(*modules: str) -> set[str]:
    """Top-level and dotted names of everything that a fresh interpreter loads with ``modules``."""
    code = f"import {', '.join(modules)}, sys, json; print(json.dumps(sorted(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return set(json.loads(out.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "spec",
        "runtime",
        "runtime.execute",
        "errors",
        "client.sync_client",
        "client.async_client",
        "console.main",
        "console.submit",
        "console.follow",
        "console.complete",
        "console.live_tree",
        "console.new_job",
        "console.try_job",
        "local_run",
        "agents.stdio",
        "agents.streamable_http",
    ],
)
def test_spec_runtime_client_and_console_work_where_no_airflow_is(module):
    assert not {"airflow", "kubernetes", "sqlalchemy"} & loaded_by(f"airflow_mcp_provider.{module}")


def test_a_runner_loads_neither_kubernetes_nor_the_plugin_servers_part():
    added = loaded_by("airflow.sdk", "airflow_mcp_provider.factory") - loaded_by("airflow.sdk")
    assert not {name for name in added if name.split(".")[0] in {"kubernetes", "sqlalchemy", "rich", "httpx"}}
    assert not {name for name in added if name.startswith("airflow_mcp_provider.plugin")}


def test_a_scheduler_does_not_load_the_api_servers_framework():
    """A second, and 40 MB."""
    parts = ("listener", "queue.monitor", "pods.monitor", "pods.mutation", "pods.creation_errors")
    assert "fastapi" not in loaded_by(*(f"airflow_mcp_provider.plugin.{part}" for part in parts))


def test_nothing_but_a_server_of_agents_loads_the_sdk_of_their_protocol():
    """It takes seconds, and it is an extra."""
    parts = ("plugin", "plugin.listener", "plugin.http_api.app", "dag", "start", "cli.jobs", "console.agents")
    assert "mcp" not in loaded_by(*(f"airflow_mcp_provider.{part}" for part in parts))


def test_the_command_line_loads_what_a_command_needs_when_it_runs():
    """``--help`` and the completion of commands have no time for more."""
    heavy = {"httpx", "pydantic", "rich", "yaml", "argcomplete", "tenacity"}
    assert not heavy & loaded_by("airflow_mcp_provider.console.main")
    assert not heavy & loaded_by("airflow_mcp_provider.client")
    assert not {"httpx", "rich", "tenacity"} & loaded_by("airflow_mcp_provider.client.sync_client")


def test_the_package_itself_imports_nothing():
    assert not [name for name in loaded_by("airflow_mcp_provider") if name.startswith("airflow_mcp_provider.")]


@pytest.mark.parametrize("module", ["runtime", "spec", "factory", "client"])
def test_public_names_exist_and_are_told(module):
    package = importlib.import_module(f"airflow_mcp_provider.{module}")
    assert package.__all__ == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_the_error_tree_is_the_one_that_is_drawn():
    drawn = errors.__doc__ or ""
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, Exception):
            assert name in drawn
            assert issubclass(kind, errors.McpError)


def test_private_things_of_airflow_are_used_in_few_files():
    """Each of them is named in a contract test. Python's own private things have one file, too."""
    private = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if "SLF001" in path.read_text()}
    assert {path for path in private if not path.endswith("airflow_internals.py")} == {
        "console/complete.py",
        "operators/supervisor_relay.py",
        "patience.py",
        "runtime/process_exit.py",
    }


def test_files_stay_short():
    code = [*ROOT.rglob("*.py"), *ROOT.rglob("*.js")]
    long = {str(path.relative_to(ROOT)): count for path in code if (count := _lines(path)) > 300}
    assert long == {}


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())
