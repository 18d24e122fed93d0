"""The section ``[mcp]`` of Airflow's configuration, read and checked when a component starts.

The defaults are in ``provider_info`` only: Airflow uses them as fallbacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.exceptions import AirflowConfigException

from airflow_mcp_provider.errors import InstallationError

SECTION = "mcp"


@dataclass(frozen=True, slots=True)
class GateSettings:
    """The settings of the queue, described in ``provider_info``.

    ``lock_timeout``, ``look_interval`` and ``end_grace`` are seconds.
    """

    gate: bool
    lock_timeout: float
    look_interval: float
    end_grace: float

    @classmethod
    def read(cls) -> GateSettings:
        """Read the settings; raises InstallationError for an invalid one, with its name and the expected value."""
        return cls(
            gate=_switch("gate"),
            lock_timeout=_seconds("gate_lock_timeout", 0.01, 60),
            look_interval=_seconds("queue_look_interval", 0.1, 3600),
            end_grace=_seconds("end_grace", 0, 3600),
        )


def fair_share() -> bool:
    """Return ``[mcp] fair_share``: share free slots fairly among runs; raises InstallationError as above."""
    return _switch("fair_share")


class Pages(StrEnum):
    """Which pages of this package are in Airflow's UI: ``NAV``: only that of the navigation."""

    ALL = "all"
    NAV = "nav"
    OFF = "off"


def pages() -> Pages:
    """Return ``[mcp] ui``; raises InstallationError as above."""
    try:
        return Pages(conf.get(SECTION, "ui").lower())
    except (AirflowConfigException, ValueError) as error:
        raise _wrong("ui", "all, nav or off") from error


def own_origins() -> frozenset[str]:
    """Return the origins of pages that may send requests to the API server: its own, and those of its configuration."""
    own = urlsplit(conf.get("api", "base_url", fallback="") or "")
    others = conf.getlist("api", "access_control_allow_origins", fallback=[])
    return frozenset([*([f"{own.scheme}://{own.netloc}"] if own.netloc else []), *others])


def _switch(name: str) -> bool:
    try:
        return conf.getboolean(SECTION, name)
    except AirflowConfigException as error:
        raise _wrong(name, "true or false") from error


def _seconds(name: str, low: float, high: float) -> float:
    expected = f"seconds from {low} to {high}"
    try:
        value = conf.getfloat(SECTION, name)
    except (AirflowConfigException, ValueError) as error:
        raise _wrong(name, expected) from error
    if not low <= value <= high:
        raise _wrong(name, expected)
    return value


def _wrong(name: str, expected: str) -> InstallationError:
    given = conf.get(SECTION, name, fallback=None)
    option = f"[{SECTION}] {name} (AIRFLOW__MCP__{name.upper()})"
    if given is None:
        return InstallationError(f"missing option {option}: is airflow-mcp-provider installed as a provider?")
    return InstallationError(f"invalid value {given!r} of {option}; expected {expected}")
