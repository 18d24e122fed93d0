"""Wait for what a page asks of the server: Playwright waits for what is on the page."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Page

from tests.integration.pages.canned import CannedUi
from tests.sizes import patient


def until(page: Page, true: Callable[[], object], what: str = "request") -> None:
    """Wait until something is true."""
    end = time.monotonic() + patient(60)
    while not true():
        assert time.monotonic() < end, f"no {what}"
        page.wait_for_timeout(100)


def ask_again(page: Page) -> None:
    """A page asks at once when the tab of the browser is shown again, unless it waits for an answer."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def polls(page: Page, ui: CannedUi, path: str, number: int) -> None:
    """Let the page ask so often again. With the third request, what the answer to the first has changed was shown."""
    most = len(ui.asked_for("GET", path)) + number
    until(page, lambda: len(ui.asked_for("GET", path)) >= most or ask_again(page))


def fails_often(page: Page, ui: CannedUi, path: str) -> None:
    """Let the requests of a page fail until it waits a minute for the next: it does not mend itself before a button does."""
    polls(page, ui, path, 5)


def settles(page: Page, ui: CannedUi, seconds: float = 2) -> None:
    """Wait until what the page has begun to ask for has come: it asks for nothing for some time."""
    seen = [-1, time.monotonic()]

    def still() -> bool:
        if len(ui.asked) != seen[0]:
            seen[:] = [len(ui.asked), time.monotonic()]
        return time.monotonic() > seen[1] + patient(seconds)

    until(page, still)


def asks_for_nothing(page: Page, ui: CannedUi, seconds: float) -> None:
    before = len(ui.asked)
    page.wait_for_timeout(seconds * 1000)
    assert ui.asked[before:] == []
