"""The pages in Airflow's UI: which React apps the plugin registers.

Airflow's UI imports the module at ``bundle_url`` and looks for the component on ``globalThis`` under ``name``. The name
is the label of the page, too, so it has to differ from each global name of a browser.
"""

from __future__ import annotations

from typing import Any, Final

from airflow_mcp_provider.plugin.pages import files
from airflow_mcp_provider.plugin.settings import Pages, pages

FILES: Final = "job-control/v1/pages"
"""Relative to the base of the page: Airflow may be served below a path."""
JOBS: Final = {"name": "Jobs", "destination": "nav", "url_route": "mcp-jobs", "nav_top_level": True}
JOB: Final = {"name": "Job", "destination": "dag", "url_route": "mcp-job"}
RUN: Final = {"name": "Subtasks", "destination": "dag_run", "url_route": "mcp-run"}
MODULES: Final = {"Jobs": "jobs.js", "Job": "job.js", "Subtasks": "run.js"}
SHOWN: Final = {Pages.ALL: (JOBS, JOB, RUN), Pages.NAV: (JOBS,), Pages.OFF: ()}


def react_apps() -> list[dict[str, Any]]:
    """Return the React apps for the setting ``[mcp] ui``; raises InstallationError for an invalid one."""
    shown = SHOWN[pages()]
    return [{**entry, **_addresses(str(entry["name"]), tabs=JOB in shown)} for entry in shown]


def _addresses(name: str, *, tabs: bool) -> dict[str, str]:
    """Return addresses; the module reads in its own whether it may link to the tabs."""
    return {
        "bundle_url": f"{FILES}/{files.address(MODULES[name])}{'' if tabs else '?tabs=no'}",
        "icon": f"{FILES}/{files.address('jobs.svg')}",
    }
