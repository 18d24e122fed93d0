"""The Trigger button of Airflow's UI: the form made from `params`, and what a full queue answers."""

from playwright.sync_api import expect

from tests.integration.browser.chromium import press
from tests.integration.client.conftest import until


def open_form(ui, airflow):
    ui.goto(f"{airflow.url}/dags/steered")
    press(ui.get_by_role("button", name="Trigger Dag"))
    form = ui.get_by_role("dialog")
    expect(form.get_by_role("spinbutton", name="Subtasks")).to_have_value("3")
    return form


def field(form, title):
    return form.get_by_role("group").filter(has_text=title).get_by_role("textbox").last


def of_runs(airflow, name):
    runs = airflow.api.get("/dags/steered/dagRuns", order_by="id")["dag_runs"]
    return [run[name] for run in runs]


def test_the_form_of_the_params_and_the_refusal_of_a_full_queue(ui, airflow):
    form = open_form(ui, airflow)
    form.get_by_role("spinbutton", name="Subtasks").fill("2")
    field(form, "This subtask waits for the file").fill("root")
    press(form.get_by_role("button", name="Trigger"))
    expect(form).to_be_hidden()
    filled = {"count": 2, "waits": "root", "fails": "-", "file": "/nowhere"}
    assert of_runs(airflow, "conf") == [filled]
    until(lambda: of_runs(airflow, "state") == ["running"], "run that has left the queue")

    airflow.api.trigger("steered", {"count": 0})
    form = open_form(ui, airflow)
    press(form.get_by_role("button", name="Trigger"))
    refusal = "job steered: 1 runs are queued, and queue.max_pending is 1; try again when one has started"
    expect(form.get_by_text(refusal, exact=True)).to_be_visible()
    expect(form.get_by_text("429 Too Many Requests")).to_be_visible()
    assert "[object" not in ui.locator("body").inner_text()
    assert of_runs(airflow, "conf") == [filled, {"count": 0}], "the refused run was not created"
