"""One page for many tests: Airflow's UI is loaded once, and each test goes to its address as a link in the UI does.

A browser needs 2.5 s of processor time to load Airflow's UI, and a tenth of that to show another page of it.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Error, Page, expect

from tests.sizes import patient

OPTIONS = {"viewport": {"width": 1500, "height": 900}, "locale": "en-US", "timezone_id": "Asia/Tokyo"}
NOWHERE = "/nowhere"
"""An address at which Airflow's UI says that there is no such page: nothing of ours is on it."""
GO = """(address) => {
    history.pushState({}, "", address);
    dispatchEvent(new PopStateEvent("popstate", { state: {} }));
}"""
FOR_GOOD = ("add_init_script", "reload", "route")
"""These change a page for good, as `clock.install` does: after them it is loaded anew, and not lent again."""


def new_page(browser: Browser) -> Page:
    context = browser.new_context(**OPTIONS)
    context.set_default_timeout(patient(60_000))
    return context.new_page()


class SharedPage:
    """The page; `lend` and `take_back` are called around each test."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._page: Page | None = None
        self._listeners: list[tuple[str, object]] = []
        self._changed = False

    def lend(self) -> Page:
        if self._page is None:
            self._page, self._changed = new_page(self._browser), False
            self._page.goto(f"{self._url}{NOWHERE}")
            self._leave()
            self._adapt(self._page)
        return self._page

    def take_back(self) -> None:
        """Remove what the test has left. A page that cannot leave is not lent again."""
        for event, listener in self._listeners:
            self._page.remove_listener(event, listener)
        self._listeners.clear()
        try:
            assert not self._changed
            self._leave()
            assert self._page.get_by_role("alert").count() == 0, "the editor of Airflow's form leaves some"
            self._page.evaluate("localStorage.clear()")
            self._page.set_viewport_size(OPTIONS["viewport"])
            self._page.emulate_media(color_scheme="null", forced_colors="null")
        except (AssertionError, Error):
            self.close()

    def close(self) -> None:
        if self._page is not None:
            with suppress(Error):
                self._page.context.close()
            self._page = None

    def _leave(self) -> None:
        self._page.evaluate(GO, NOWHERE)
        expect(self._page.get_by_text("404").first).to_be_visible()

    def _adapt(self, page: Page) -> None:
        listen, load = page.on, page.goto

        def on(event, listener):
            self._listeners.append((event, listener))
            listen(event, listener)

        def goto(address, **more):
            to = urlsplit(address)
            self._changed = self._changed or to.netloc != urlsplit(self._url).netloc
            if self._changed:
                return load(address, **more)
            if to.path == urlsplit(page.url).path:
                self._leave()
            return page.evaluate(GO, f"{to.path}?{to.query}" if to.query else to.path)

        page.on, page.goto = on, goto
        for owner, name in [(page, name) for name in FOR_GOOD] + [(page.clock, "install")]:
            setattr(owner, name, self._noted(getattr(owner, name)))

    def _noted(self, change):
        def noted(*args, **more):
            self._changed = True
            return change(*args, **more)

        return noted
