"""A headless Chromium: the one of this machine, else Debian's package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from playwright.sync_api import Locator, Page, expect

from airflow_mcp_provider.embedded.airflow import Embedded

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
PACKAGE = "chromium-headless-shell"
"""A third of the size of `chromium`: without windows."""


def missing() -> str:
    """Tell why no Chromium can be had here; empty when one can."""
    if _found() or (os.geteuid() == 0 and shutil.which("apt-get")):
        return ""
    return f"needs one of {', '.join(PROGRAMS)}, or root and apt-get to install {PACKAGE}"


def program() -> str:
    """Return the path of Chromium; installs it where there is none. Skips the test where the packages are not reachable."""
    if _found() is None:
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", PACKAGE, "fonts-dejavu-core")
    found = _found()
    assert found, f"no {PACKAGE} after its installation"
    return found


def login(page: Page, airflow: Embedded, user: str) -> Page:
    """Open Airflow's UI as a user of its simple auth manager."""
    page.goto(airflow.url)
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(passwords(airflow)[user])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Dags").first.wait_for()
    return page


def press(control: Locator) -> None:
    """Press a link or a button of Airflow's own UI.

    Not with the mouse: while the data of a page comes, its tabs and buttons move, because some are added and others go.
    What was below the mouse when it was pressed is another one when it is released, and then nothing happens.
    """
    expect(control).to_be_visible()
    expect(control).to_be_enabled()
    control.evaluate("(control) => control.click()")


def passwords(airflow: Embedded) -> dict[str, str]:
    """Return the passwords that the simple auth manager has made, by user."""
    found: dict[str, str] = json.loads((airflow.folder / "simple_auth_manager_passwords.json.generated").read_text())
    return found


def _found() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def _apt(*arguments: str) -> None:
    # Another apt may run, as it does on a machine that has just started.
    command = ["apt-get", "-qq", "--option", "DPkg::Lock::Timeout=300", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        pytest.skip(f"no Chromium here, and {' '.join(command)} failed: {done.stderr[-500:]}")
