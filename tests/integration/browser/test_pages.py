"""The pages in front of a real Airflow: its plugin system, its cookies, its permissions and its form."""

import re

import pytest
from playwright.sync_api import expect

from airflow_mcp_provider.client.models import PREFIX
from tests.integration.browser.chromium import press
from tests.sizes import patient

CANCEL = "Cancel the active run of strict"


def row(page, job):
    return page.get_by_role("row").filter(has=page.locator(f'[data-job="{job}"]'))


@pytest.fixture
def run(airflow, tmp_path):
    """A run whose one subtask waits until the test ends."""
    airflow.api.wait_for_dag("strict", patient(120))
    file = tmp_path / "go"
    run_id = airflow.api.trigger("strict", {"waits": "root", "file": str(file)})
    yield run_id
    file.touch()
    airflow.api.wait("strict", run_id)


def test_a_run_is_watched_and_cancelled_and_a_viewer_is_refused(ui, viewers_ui, airflow, run):
    press(ui.get_by_role("link", name="Jobs", exact=True))
    expect(row(ui, "strict")).to_contain_text("running")
    expect(row(ui, "strict").get_by_role("link", name=run, exact=True)).to_be_visible()

    viewers_ui.goto(f"{airflow.url}/plugin/mcp-jobs")
    viewers_ui.get_by_role("button", name=CANCEL).click()
    viewers_ui.get_by_role("button", name="Cancel the run").click()
    expect(viewers_ui.get_by_role("alertdialog")).to_contain_text("Forbidden")

    ui.get_by_role("button", name=CANCEL).click()
    ui.get_by_role("textbox", name="Reason").fill("by the test")
    ui.get_by_role("button", name="Cancel the run").click()
    square = row(ui, "strict").get_by_role("listitem").get_by_role("link").first
    expect(square).to_have_attribute("aria-label", re.compile(rf"^cancelled .*run {re.escape(run)}$"))
    square.click()
    expect(ui.get_by_test_id("mcp-run")).to_contain_text("by the test")


def test_the_tabs_of_a_job_and_of_its_run(ui, airflow, run):
    ui.goto(f"{airflow.url}/dags/strict")
    press(ui.get_by_role("link", name="Job", exact=True))
    expect(ui.get_by_test_id("mcp-job")).to_contain_text(run)
    ui.goto(f"{airflow.url}/dags/strict/runs/{run}")
    press(ui.get_by_role("link", name="Subtasks", exact=True))
    expect(ui.get_by_test_id("mcp-run")).to_contain_text("root")


def test_trigger_on_the_page_of_jobs_opens_airflows_form(ui, airflow):
    ui.goto(f"{airflow.url}/plugin/mcp-jobs")
    ui.get_by_role("button", name="Trigger steered").click()
    expect(ui.get_by_role("dialog").get_by_role("spinbutton", name="Subtasks")).to_have_value("3")


def test_the_files_need_a_login(page, airflow):
    answer = page.request.get(f"{airflow.url}{PREFIX}/pages/jobs.js")
    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
