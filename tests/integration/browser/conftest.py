"""Airflow's UI and the page of the web shop in a real Chromium, in front of one Airflow.

A test that fails leaves a picture of its page in ``pictures``: a folder of pytest, see its output.
"""

import logging
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from airflow_mcp_provider.embedded.airflow import USER, Embedded
from tests.integration.browser import chromium
from tests.integration.client.conftest import OWN, SHOP
from tests.sizes import CALM, patient

HERE = Path(__file__).parent
log = logging.getLogger(__name__)
VIEWER, STRANGER = "vera", "otto"
"""A user who may read and change nothing, and one who may see none of these jobs."""
USERS = {
    "AIRFLOW__CORE__AUTH_MANAGER": "one_job.OneJob",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin,{VIEWER}:viewer,{STRANGER}:user",
    "PYTHONPATH": str(HERE.parent / "http_api" / "on_path"),
}


@pytest.fixture(scope="package")
def airflow():
    with Embedded(dags=[OWN, SHOP / "dags", HERE / "dags"], env={**CALM, **USERS}) as embedded:
        for job in ("steered", "sales_report", "growing"):
            embedded.api.wait_for_dag(job, patient(120))
        yield embedded


@pytest.fixture(autouse=True)
def limits():
    """One that is set where a module is imported holds for all tests of the process, also those of other folders."""
    expect.set_options(timeout=patient(60_000))


@pytest.fixture(scope="package")
def browser():
    if why := chromium.missing():
        pytest.skip(why)
    with sync_playwright() as playwright:
        # Its sandbox does not work as root, nor in most containers; it opens pages of this machine only.
        found = playwright.chromium.launch(executable_path=chromium.program(), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def pictures(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("pictures")
    return lambda page, name: page.screenshot(path=folder / f"{request.node.name}-{name}.png")


@pytest.fixture
def page(browser, pictures) -> Page:
    yield from _page(browser, pictures, "end")


@pytest.fixture
def viewers_page(browser, pictures) -> Page:
    """With cookies of its own."""
    yield from _page(browser, pictures, "viewer")


@pytest.fixture
def strangers_page(browser, pictures) -> Page:
    """With cookies of its own."""
    yield from _page(browser, pictures, "stranger")


def _page(browser, pictures, name):
    context = browser.new_context(viewport={"width": 1300, "height": 900}, locale="en-US")
    context.set_default_timeout(patient(60_000))
    found = context.new_page()
    # Shown where the test fails: why a page is not as it should be.
    found.on("requestfailed", lambda request: log.warning("%s: %s", request.url, request.failure))
    found.on("console", lambda message: message.type == "error" and log.warning("console: %s", message.text))
    yield found
    pictures(found, name)
    context.close()


@pytest.fixture
def ui(page, airflow) -> Page:
    """Airflow's UI, after the login as admin."""
    return chromium.login(page, airflow, USER)


@pytest.fixture
def viewers_ui(viewers_page, airflow) -> Page:
    """The same, as a user who may read and change nothing."""
    return chromium.login(viewers_page, airflow, VIEWER)


@pytest.fixture
def strangers_ui(strangers_page, airflow) -> Page:
    """The same, as a user who may not read the jobs."""
    return chromium.login(strangers_page, airflow, STRANGER)
