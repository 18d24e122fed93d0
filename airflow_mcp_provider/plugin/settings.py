"""The section ``[mcp]`` of Airflow's configuration, read and checked at the start of a server.

Defaults stand in ``provider_info`` and nowhere else: Airflow falls back to them itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow.configuration import conf
from airflow.exceptions import AirflowConfigException

from airflow_mcp_provider.errors import InstallationError

SECTION = "mcp"


@dataclass(frozen=True, slots=True)
class GateSettings:
    """What ``[mcp]`` says about the queue; the reasons stand in ``provider_info``.

    ``lock_timeout``, ``look_interval`` and ``end_grace`` are seconds.
    """

    gate: bool
    lock_timeout: float
    look_interval: float
    end_grace: float

    @classmethod
    def read(cls) -> GateSettings:
        """Read them; raises InstallationError that says which setting is wrong and what is allowed."""
        return cls(
            gate=_switch("gate"),
            lock_timeout=_seconds("gate_lock_timeout", 0.01, 60),
            look_interval=_seconds("queue_look_interval", 0.1, 3600),
            end_grace=_seconds("end_grace", 0, 3600),
        )


def fair_share() -> bool:
    """Read whether a scheduler shares free slots among runs; raises InstallationError as above."""
    return _switch("fair_share")


def _switch(name: str) -> bool:
    try:
        return conf.getboolean(SECTION, name)
    except AirflowConfigException as error:
        raise _wrong(name, "true or false") from error


def _seconds(name: str, low: float, high: float) -> float:
    allowed = f"seconds from {low} to {high}"
    try:
        value = conf.getfloat(SECTION, name)
    except (AirflowConfigException, ValueError) as error:
        raise _wrong(name, allowed) from error
    if not low <= value <= high:
        raise _wrong(name, allowed)
    return value


def _wrong(name: str, allowed: str) -> InstallationError:
    given = conf.get(SECTION, name, fallback=None)
    told = "is not there: is airflow-mcp-provider installed as a provider?" if given is None else f"is {given!r}"
    return InstallationError(f"[{SECTION}] {name} (AIRFLOW__MCP__{name.upper()}) {told}; allowed: {allowed}")
