"""The tab Job in front of a real Airflow: the queue of a job is changed, and its history is read."""

import re

import pytest
from playwright.sync_api import expect

from tests.sizes import patient

JOB = "strict"


@pytest.fixture
def runs(airflow, tmp_path):
    """An active run that waits until the test ends, and two behind it."""
    airflow.api.wait_for_dag(JOB, patient(120))
    file = tmp_path / "go"
    found = [airflow.api.trigger(JOB, {"waits": "root", "file": str(file)}) for _ in range(3)]
    yield found
    file.touch()
    for run in found:
        airflow.api.wait(JOB, run)


def test_the_queue_is_reordered_and_a_run_leaves_it(ui, airflow, runs):
    active, second, third = runs
    ui.goto(f"{airflow.url}/dags/{JOB}/plugin/mcp-job")
    tab = ui.get_by_test_id("mcp-job")
    expect(tab.get_by_test_id("holder")).to_contain_text(active)
    rows = tab.get_by_test_id("queue").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(second)
    expect(rows.first).to_contain_text(f"{active} is running")

    tab.get_by_role("button", name=f"Priority… {third}").click()
    ui.get_by_role("alertdialog").get_by_role("button", name="Set priority").click()
    expect(rows.first).to_contain_text(third)

    tab.get_by_role("button", name=f"Cancel… {second}").click()
    ui.get_by_role("alertdialog").get_by_label("Reason").fill("not needed")
    ui.get_by_role("button", name="Cancel the run").click()
    expect(rows).to_have_count(1)
    expect(tab.get_by_test_id("summary")).to_contain_text(re.compile("1 cancelled"))
    tab.get_by_text("Ended runs as a table").click()
    expect(tab.get_by_test_id("history")).to_contain_text("not needed")
    expect(tab.get_by_test_id("spec")).to_contain_text("queue:")


def test_a_viewer_reads_why_a_change_is_refused(viewers_ui, airflow, runs):
    viewers_ui.goto(f"{airflow.url}/dags/{JOB}/plugin/mcp-job")
    viewers_ui.get_by_role("button", name=f"Priority… {runs[1]}").click()
    dialog = viewers_ui.get_by_role("alertdialog")
    dialog.get_by_role("button", name="Set priority").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Forbidden")
