"""Every `airflow` command imports the definition of ours: that costs almost nothing."""

from __future__ import annotations

import json
import subprocess
import sys


def test_the_definition_imports_arguments_alone():
    code = (
        "import airflow.cli.cli_config, sys, json; before = set(sys.modules)\n"
        "from airflow_mcp_provider.cli.definition import get_cli_commands; get_cli_commands()\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    out = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    package = "airflow_mcp_provider"
    expected = {package, *(f"{package}.{name}" for name in ("cli", "cli.definition", "console", "console.arguments"))}
    assert {name for name in json.loads(out.splitlines()[-1]) if name not in sys.stdlib_module_names} <= expected
