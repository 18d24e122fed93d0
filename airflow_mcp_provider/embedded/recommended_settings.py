"""Reads ``settings.env``, the one place of our Airflow settings.

Runs in the shell: for ``airflow mcp demo`` (which sets them) and ``airflow mcp check`` (which compares them).
A parser of our own, so that no shell, no quoting rule and no variable expansion changes what is written there.
"""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

from airflow_mcp_provider.errors import InstallationError


class Setting(NamedTuple):
    """One setting, with the comment above it as its reason."""

    name: str
    value: str
    reason: str

    @property
    def option(self) -> tuple[str, str]:
        """``(section, option)`` as Airflow's configuration spells them."""
        _, section, option = self.name.split("__", 2)
        return section.lower(), option.lower()


def parse(text: str) -> tuple[Setting, ...]:
    """Read the settings of a file's text."""
    settings: list[Setting] = []
    reason: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            reason.append(line.lstrip("# "))
        elif line.strip():
            settings.append(_setting(number, line, " ".join(reason)))
        else:
            reason.clear()
    return tuple(settings)


def _setting(number: int, line: str, reason: str) -> Setting:
    name, equals, value = line.partition("=")
    if not equals or not name.startswith("AIRFLOW__") or name.count("__") < 2:  # noqa: PLR2004 - section and option
        raise InstallationError(f"settings.env:{number}: expected AIRFLOW__SECTION__OPTION=value, got {line!r}")
    return Setting(name, value, reason)


def load() -> tuple[Setting, ...]:
    """Read the settings that are installed with this package."""
    return parse(files("airflow_mcp_provider").joinpath("settings.env").read_text("utf-8"))


def environment() -> dict[str, str]:
    """Give the settings as environment variables of an Airflow process."""
    return {setting.name: setting.value for setting in load()}
