"""The pages in the installed UI of Airflow, in a real Chromium, on answers that a test gives.

A test that fails leaves a picture of its page in ``pictures``: a folder of pytest, see its output.
"""

import pytest
from playwright.sync_api import expect

from tests.integration.browser.conftest import browser, pictures
from tests.integration.pages.canned import CannedUi
from tests.sizes import patient

__all__ = ["browser", "pictures"]
expect.set_options(timeout=patient(15_000))


@pytest.fixture(scope="package")
def server():
    with CannedUi() as found:
        yield found


@pytest.fixture
def ui(server):
    server.forget()
    return server


@pytest.fixture
def page(browser, pictures):
    """A page; an error in its console fails the test."""
    context = browser.new_context(viewport={"width": 1500, "height": 900}, locale="en-US", timezone_id="Asia/Tokyo")
    context.set_default_timeout(patient(15_000))
    found = context.new_page()
    errors = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    yield found
    pictures(found, "end")
    context.close()
    assert errors == []
