"""Settings of the queue: Airflow's own defaults, a clear error, and who registers what."""

import sys

import pytest
from airflow.configuration import conf

from airflow_mcp_provider.errors import InstallationError
from airflow_mcp_provider.plugin import McpPlugin, listener
from airflow_mcp_provider.plugin.settings import GateSettings
from airflow_mcp_provider.provider_info import get_provider_info


def test_defaults_stand_in_the_provider_info_alone():
    options = get_provider_info()["config"]["mcp"]["options"]
    for name, option in options.items():
        assert conf.get("mcp", name) == option["default"]
    assert GateSettings.read() == GateSettings(gate=True, lock_timeout=0.5, look_interval=5, end_grace=15)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("gate", "perhaps", "true or false"),
        ("end_grace", "soon", "seconds from 0 to 3600"),
        ("end_grace", "-1", "seconds from 0 to 3600"),
        ("gate_lock_timeout", "0", "seconds from 0.01 to 60"),
        ("queue_look_interval", "nan", "seconds from 0.1 to 3600"),
    ],
)
def test_a_wrong_setting_says_which_and_what_is_allowed(monkeypatch, name, value, expected):
    monkeypatch.setenv(f"AIRFLOW__MCP__{name.upper()}", value)
    with pytest.raises(InstallationError) as error:
        GateSettings.read()
    option = f"[mcp] {name} (AIRFLOW__MCP__{name.upper()})"
    assert str(error.value) == f"invalid value {value!r} of {option}; expected {expected}"


def test_the_gate_can_be_turned_off(monkeypatch):
    monkeypatch.setenv("AIRFLOW__MCP__GATE", "False")
    assert listener.listeners() == [], "Airflow then takes DAGs with end_from_trigger again"


class Job:
    """By its name Airflow's: what the hook sees of a server that starts."""


def test_only_a_scheduler_refuses_to_start_with_wrong_settings(monkeypatch):
    monkeypatch.setenv("AIRFLOW__MCP__GATE", "perhaps")
    (hooks,) = listener.listeners()
    monkeypatch.setattr(sys, "argv", ["airflow", "triggerer"])
    hooks.on_starting(Job())
    monkeypatch.setattr(sys, "argv", ["airflow", "scheduler"])
    hooks.on_starting(object())
    with pytest.raises(SystemExit, match=r"invalid value 'perhaps' of \[mcp\] gate "):
        hooks.on_starting(Job())


def test_a_runner_registers_nothing(monkeypatch):
    monkeypatch.setitem(
        sys.modules, "airflow.sdk.execution_time.task_runner", type("runner", (), {"SUPERVISOR_COMMS": 1})
    )
    monkeypatch.setattr(McpPlugin, "listeners", [])
    McpPlugin.on_load()
    assert McpPlugin.listeners == []
