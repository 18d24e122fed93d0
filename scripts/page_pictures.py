"""Make the pictures of docs/pages.md and the README: some jobs run in a real Airflow, Chromium looks at its pages."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from airflow_mcp_provider.client.airflow_rest import Api
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.browser import chromium
from tests.integration.templates import site

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
SITE = "http://site.example"
"""What the runners' proxy, the site itself, is asked for."""
USERS = ("anna", "ben")
LEFT_OUT = ("close_year", "drain_queue", "fit_report", "free_space", "inbox", "line_count", "nightly_backup")
"""So that the page Jobs has room for those that have run."""
CRAWL, WHOLE = "crawl_site", "the-whole-site"
SIZE = {"width": 1400, "height": 820}
PATIENCE_S = 600


class BrokenSite(site.Site):
    """Some of its pages never work."""

    def answer(self, path: str) -> tuple[int, str, str]:
        """The same, but for those pages."""
        return (503, "text/html", "later") if path in {"/page/6", "/page/19"} else super().answer(path)


def main() -> None:
    """Make all pictures of pages."""
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pictures-")))
        airflow = stack.enter_context(_airflow(work, stack))
        anna, ben = (_api(airflow, name, stack) for name in USERS)
        _history(anna, ben)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium.program(), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, locale="en-US")
        page.set_default_timeout(PATIENCE_S * 1000)
        chromium.login(page, airflow, USERS[0])
        _look(page, airflow.url)
        browser.close()


def _airflow(work: Path, stack: ExitStack) -> Embedded:
    dags = shutil.copytree(ROOT / "dags", work / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    for name in LEFT_OUT:
        next(dags.rglob(f"{name}.yaml")).unlink()
    shown = stack.enter_context(site.served(200, kind=BrokenSite))
    users = ",".join(f"{name}:admin" for name in (*USERS, "admin"))
    env = {"http_proxy": shown.url, "no_proxy": "127.0.0.1", "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": users}
    shown.url = SITE
    return Embedded(dags=dags, parallelism=8, env=env)


def _api(airflow: Embedded, user: str, stack: ExitStack) -> Api:
    found = Api(airflow.url, user, chromium.passwords(airflow)[user])
    stack.callback(found.close)
    return found


def _history(anna: Api, ben: Api) -> None:
    """Let runs end in different ways, and one be active with two behind it."""
    for job in (CRAWL, "pipeline", "write_sections", "inventory", "clean_up"):
        anna.wait_for_dag(job)
    for job in ("clean_up", "check_sites"):
        anna.patch(f"/dags/{job}", {"is_paused": False})
    ended = [
        (CRAWL, anna.trigger(CRAWL, {"url": f"{SITE}/page/{number}", "depth": number % 2, "delay": 0}))
        for number in range(20, 27)
    ]
    ended.append(("pipeline", ben.trigger("pipeline", {"path": "/missing", "target": "/missing"})))
    ended.append(("write_sections", ben.trigger("write_sections", {"busy": 0, "sections": _sections()})))
    ended.append(("inventory", ben.trigger("inventory", {"path": str(ROOT / "docs")})))
    for job, run in ended:
        anna.wait(job, run, PATIENCE_S)
    anna.trigger(CRAWL, {"url": f"{SITE}/", "depth": 12, "delay": 0.8}, dag_run_id=WHOLE)
    ben.trigger(CRAWL, {"url": f"{SITE}/page/3"}, dag_run_id="the-shop")
    anna.trigger(CRAWL, {"url": f"{SITE}/page/2", "mcp_priority": 5}, dag_run_id="the-news-first")


def _sections() -> list[dict[str, str]]:
    titles = {
        "Queues": "queue put get",
        "Locks": "lock acquire",
        "Paths": "path parent",
        "Dates": "date calendar",
        "Dragons": "wyvern",
    }
    return [{"title": title, "query": query} for title, query in titles.items()]


def _look(page: Page, url: str) -> None:
    page.goto(f"{url}/dags/{CRAWL}/runs/{WHOLE}/plugin/mcp-run")
    tab = page.get_by_test_id("mcp-run")
    _open(tab, f"{SITE}/")
    _open(tab, f"{SITE}/page/1")
    _until(lambda: _number(tab, "failed") > 0)
    _take(page, "run")
    page.emulate_media(color_scheme="dark")
    tab.get_by_role("button", name="Show the").click()
    tab.get_by_title(f"{SITE}/page/6", exact=True).click()
    page.get_by_test_id("details").get_by_role("table", name="Attempts").wait_for()
    _take(page, "run_dark")
    page.emulate_media(color_scheme="light")
    page.goto(f"{url}/dags/{CRAWL}/plugin/mcp-job")
    page.get_by_test_id("mcp-job").get_by_test_id("queue").get_by_text("the-shop").wait_for()
    _take(page, "job")
    page.goto(f"{url}/plugin/mcp-jobs")
    page.locator(f'[data-job="{CRAWL}"]').wait_for()
    _take(page, "jobs")


def _open(tab: Locator, key: str) -> None:
    tab.get_by_test_id("rows").get_by_role("row").filter(has=tab.page.get_by_title(key, exact=True)).locator(
        "[data-arrow]"
    ).click()


def _number(tab: Locator, state: str) -> int:
    legend = tab.get_by_role("list", name="Subtasks by state").inner_text().split()
    return int(legend[legend.index(state) - 1])


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.5)


def _take(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)  # what follows a change fades in
    page.screenshot(path=PICTURES / f"{name}.png")
