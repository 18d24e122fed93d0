"""The rules of axe-core on each page, in light and in dark mode: none that is serious is broken within what is ours."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from airflow_mcp_provider.client.models import Attempt, RunState, SubtaskState, Why
from tests.integration.pages import documents, job_documents
from tests.integration.pages.documents import ago
from tests.integration.pages.runs import TAB, PlayedRun, subtask

GRAVE = {"serious", "critical"}


@pytest.fixture(params=["light", "dark"])
def mode(request, page):
    """Airflow follows the setting of the system."""
    page.emulate_media(color_scheme=request.param)
    yield request.param
    page.emulate_media(color_scheme="light")


# A dialog that is still fading in has less contrast. A spinner never ends.
STILL = """() => document.getAnimations().every(
  (one) => one.playState !== "running" || one.effect.getComputedTiming().endTime === Infinity)"""


@pytest.fixture
def check(page, mode):
    """Return what is wrong in a part of the page, a line for each place."""

    def run(part):
        page.locator(part).first.wait_for()
        expect(page.locator("html")).to_have_class(mode)
        page.wait_for_function(STILL)
        found = Axe().run(page, context={"include": [[part]]}).response["violations"]
        nodes = [(one["id"], node) for one in found if one["impact"] in GRAVE for node in one["nodes"]]
        return "\n".join(f"{rule}: {node['html'][:300]}: {node['failureSummary']}" for rule, node in nodes)

    return run


def test_jobs(page, ui, check):
    shown = [
        documents.job("alpha", tags=["nightly"], error="jobs/alpha.yaml:3: run: missing value", next_run=ago(-7300)),
        documents.running("crawl"),
        documents.job("paused", paused=True, last=[], description=None),
    ]
    documents.serve(ui, shown)
    page.goto(f"{ui.url}/plugin/mcp-jobs")
    expect(page.locator('[data-job="crawl"]')).to_be_visible()
    assert check("[data-testid=mcp-jobs]") == ""
    page.get_by_role("button", name="Cancel the active run of crawl").click()
    assert check("[role=alertdialog]") == ""


def test_job(page, ui, check):
    job_documents.serve(ui)
    page.goto(f"{ui.url}{job_documents.TAB}")
    tab = page.get_by_test_id("mcp-job")
    tab.get_by_text("Ended runs as a table").click()
    assert check("[data-testid=mcp-job]") == ""
    tab.get_by_role("button", name=f"Priority… {job_documents.SECOND}").click()
    assert check("[role=alertdialog]") == ""


def test_subtasks(page, ui, check):
    run = _run()
    run.serve(ui)
    page.goto(f"{ui.url}{TAB}")
    tab = page.get_by_test_id("mcp-run")
    tab.get_by_title("b", exact=True).click()
    expect(page.get_by_test_id("details").get_by_role("table", name="Attempts")).to_be_visible()
    assert check("[data-testid=mcp-run]") == ""
    tab.get_by_role("tab", name="Runners").click()
    expect(tab.get_by_role("table", name="Subtasks that are running")).to_be_visible()
    assert check("[data-testid=mcp-run]") == ""
    tab.get_by_role("tab", name="Result").click()
    expect(tab.get_by_role("table", name="worst")).to_be_visible()
    assert check("[data-testid=mcp-run]") == ""
    tab.get_by_role("button", name="Cancel…").click()
    assert check("[role=alertdialog]") == ""


def _run():
    why = Why(code="ValueError", text="wrong")
    attempts = [Attempt(number=1, started=ago(60), ended=ago(30), error=why)]
    shown = [
        subtask("a", children=1),
        subtask("b", SubtaskState.FAILED, error=why, attempts=attempts),
        subtask("c", SubtaskState.RUNNING, fraction=0.5, message="half"),
        subtask("d", SubtaskState.WAITING),
        subtask("e", SubtaskState.SKIPPED),
        subtask("a/1", parent="a", depth=1),
    ]
    result = {"worst": [{"url": "https://example.com/a", "ms": 9}], "deep": {"a": {"b": [1, 2]}}}
    return PlayedRun(shown, {"state": RunState.RUNNING, "result": result, "reason": why, "note": "a note"})
