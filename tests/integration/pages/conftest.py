"""The pages in the installed UI of Airflow, in a real Chromium, on answers that a test gives.

A test that fails leaves a picture of its page in ``pictures``: a folder of pytest, see its output.
"""

import pytest

from tests.integration.browser.conftest import browser, limits, pictures
from tests.integration.pages.canned import CannedUi
from tests.integration.pages.shared_page import SharedPage, new_page

__all__ = ["browser", "limits", "pictures"]


@pytest.fixture(scope="package")
def server():
    with CannedUi() as found:
        yield found


@pytest.fixture
def ui(server):
    server.forget()
    return server


@pytest.fixture(scope="package")
def shared_page(browser, server):
    found = SharedPage(browser, server.url)
    yield found
    found.close()


@pytest.fixture
def own_page():
    """For a test that changes its page before that is loaded, or loads it again: no other test gets it."""


@pytest.fixture
def page(request, browser, shared_page, pictures):
    """A page; an error in its console fails the test."""
    own = "own_page" in request.fixturenames
    found = new_page(browser) if own else shared_page.lend()
    errors = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    yield found
    pictures(found, "end")
    if own:
        found.context.close()
    else:
        shared_page.take_back()
    assert errors == []
