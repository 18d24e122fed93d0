"""Read ``settings.env``, which has the recommended configuration of Airflow.

Runs in the shell: ``airflow mcp demo`` sets it, and ``airflow mcp check`` compares it with the configuration. The
values are taken literally, without quotes or variable expansion.
"""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

from airflow_mcp_provider.errors import InstallationError


class Setting(NamedTuple):
    """One setting (``AIRFLOW__SECTION__OPTION``); the comment above it is its reason."""

    name: str
    value: str
    reason: str

    @property
    def option(self) -> tuple[str, str]:
        """The section and option of Airflow's configuration, in lower case."""
        _, section, option = self.name.split("__", 2)
        return section.lower(), option.lower()


def parse(text: str) -> tuple[Setting, ...]:
    """Return the settings in the text of a file; raises InstallationError for an invalid line."""
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
        raise InstallationError(
            f"settings.env:{number}: invalid line {line!r}; expected AIRFLOW__SECTION__OPTION=value"
        )
    return Setting(name, value, reason)


def load() -> tuple[Setting, ...]:
    """Return the settings that are installed with this package."""
    return parse(files("airflow_mcp_provider").joinpath("settings.env").read_text("utf-8"))


def environment() -> dict[str, str]:
    """Return the settings as environment variables."""
    return {setting.name: setting.value for setting in load()}
