"""The tab Job on the page of a DAG, in the installed UI of Airflow."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from airflow_mcp_provider.client.models import WatchState
from tests.integration.browser.screen_reader import hears, listen
from tests.integration.pages import job_documents as canned
from tests.integration.pages.canned import problem
from tests.integration.pages.documents import ago
from tests.integration.pages.job_documents import FIRST, PATH, SECOND, TAB, THIRD
from tests.integration.pages.waiting import ask_again, fails_often, settles, until

CANCELLED = {"run": SECOND, "state": "cancelled", "running": 0, "waiting": 0, "children": 0}


def opened(page, ui, tab=TAB):
    page.goto(f"{ui.url}{tab}")
    found = page.get_by_test_id("mcp-job")
    found.get_by_role("heading", name="Queue").wait_for()
    listen(page)
    return found


def rows(tab, name):
    return tab.get_by_test_id(name).locator("tbody tr")


def texts(row):
    return [" ".join(text.split()) for text in row.get_by_role("cell").all_inner_texts()]


def test_the_active_run_the_queue_in_order_and_their_links(page, ui):
    canned.serve(ui)
    tab = opened(page, ui)
    expect(tab.get_by_text("Walk a site and measure every page.")).to_be_visible()
    holder = tab.get_by_test_id("holder")
    expect(holder).to_contain_text(re.compile("running.*manual__active.*for 2d 5h.*submitted by carol"))
    expect(holder.get_by_role("link", name="manual__active")).to_have_attribute(
        "href", "/dags/crawl/runs/manual__active/plugin/mcp-run"
    )
    expect(rows(tab, "queue")).to_have_count(3)
    shown = [texts(row) for row in rows(tab, "queue").all()]
    assert [(cells[0], cells[1], cells[4]) for cells in shown] == [
        ("1", FIRST, "7"),
        ("2", SECOND, "6"),
        ("3", THIRD, "5"),
    ]
    assert all((cells[2], cells[3]) == ("anna", "2d 5h") for cells in shown)


def test_the_schedule_in_words_with_its_next_runs_in_the_readers_zone(page, ui):
    job = canned.job()
    canned.serve(ui, job)
    tab = opened(page, ui)
    expect(tab.get_by_test_id("schedule")).to_contain_text(canned.WORDS)
    expect(tab.get_by_test_id("schedule")).to_contain_text("jitter: 5m")
    expect(tab.get_by_test_id("schedule")).to_contain_text("Next runs, in Asia/Tokyo:")
    dates = tab.get_by_test_id("upcoming").locator("li")
    expect(dates).to_have_count(5)
    expect(dates.nth(1)).to_contain_text("in 3d 5h")
    time = dates.first.locator("time").first
    expect(time).to_have_attribute("title", re.compile("Asia/Tokyo$"))
    assert time.get_attribute("datetime") == job.upcoming[0].isoformat().replace("+00:00", "Z")


def test_params_are_a_table(page, ui):
    canned.serve(ui)
    tab = opened(page, ui)
    assert [texts(row) for row in rows(tab, "params").all()] == [
        ["url", "string", "required", "Start page Where the walk begins.", "format uri"],
        ["depth", "integer", "2", "", "at least 0 at most 9"],
        ["mode", "string or null", "null", "", 'one of "fast", null'],
        ["tags", "array", "[]", "", 'items: {"type":"string"} at least 1 item x-own: {"a":1}'],
    ]


def test_the_history_is_a_chart_with_the_same_values_in_words_and_in_a_table(page, ui):
    canned.serve(ui)
    tab = opened(page, ui)
    words = (
        "12 ended runs: 3 completed, 3 partial success, 2 error, 2 timeout, 2 cancelled; median 1m 05s, longest 2m 00s"
    )
    expect(tab.get_by_test_id("summary")).to_have_text(f"{words}.")
    chart = tab.get_by_role("img", name=re.compile("^Durations, the latest run on the right. 12 ended runs"))
    bars = chart.locator("g")
    expect(bars).to_have_count(12)
    assert [bar.get_attribute("data-state") for bar in bars.all()][-5:] == [
        "cancelled",
        "timeout",
        "error",
        "partial",
        "completed",
    ]
    assert [bar.locator("text").all_text_contents() for bar in bars.all()][-5:] == [["⊘"], ["◷"], ["✗"], ["◐"], []]
    tab.get_by_text("Ended runs as a table").click()
    first, second = rows(tab, "history").all()[:2]
    assert (texts(first)[0], texts(first)[1], texts(first)[3]) == ("manual__0", "✓ completed", "10s")
    assert (texts(second)[1], texts(second)[5:]) == ("◐ partial success", ["1", "reason 1"])


def test_the_history_is_read_again_when_a_run_has_ended_and_not_with_each_poll(page, ui):
    canned.serve(ui)
    tab = opened(page, ui)
    expect(tab.get_by_test_id("summary")).to_be_visible()
    until(page, lambda: len(ui.asked_for("GET", PATH)) >= 2)
    settles(page, ui, 1)
    (asked,) = ui.asked_for("GET", f"{PATH}/runs")
    assert asked.query["state"] == ["completed", "partial", "error", "timeout", "cancelled"]
    canned.serve(ui, canned.job(holder=None, last=canned.ended(9)), canned.ended(13))
    ask_again(page)
    expect(tab.get_by_test_id("summary")).to_contain_text("13 ended runs")


def test_a_run_is_raised_to_the_first_place(page, ui):
    canned.serve(ui)
    tab = opened(page, ui)

    def raise_it(_):
        canned.serve(ui, canned.job(queue=canned.waiting(THIRD, FIRST, SECOND)))

    ui.post(f"{PATH}/runs/{THIRD}/priority", raise_it)
    tab.get_by_role("button", name=f"Priority… {THIRD}").click()
    dialog = page.get_by_role("alertdialog", name=f"Priority of {THIRD}")
    expect(dialog.get_by_label("Priority")).to_have_value("8")
    dialog.get_by_role("button", name="Set priority").click()
    expect(dialog).to_be_hidden()
    hears(page, f"The priority of {THIRD} was changed.")
    expect(rows(tab, "queue").first).to_contain_text(THIRD)
    assert [one.body for one in ui.asked_for("POST", f"{PATH}/runs/{THIRD}/priority")] == [{"priority": 8}]


def test_a_refusal_stays_in_the_dialog_also_when_the_run_has_left_the_queue(page, ui):
    canned.serve(ui)
    tab = opened(page, ui)
    refusal = f"run {FIRST} of job crawl is running; only a queued run has a priority"

    def started(_):
        canned.serve(ui, canned.job(queued=2, queue=canned.waiting(SECOND, THIRD)))
        return problem(409, "not_queued", refusal)

    ui.post(f"{PATH}/runs/{FIRST}/priority", started)
    tab.get_by_role("button", name=f"Priority… {FIRST}").click()
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_label("Priority").fill("9")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text(refusal)).to_be_visible()
    expect(rows(tab, "queue")).to_have_count(2)
    expect(dialog.get_by_text(refusal)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tab.get_by_role("heading", name="Queue")).to_be_focused()


def test_a_waiting_run_is_cancelled_with_a_reason(page, ui):
    canned.serve(ui)
    tab = opened(page, ui)
    ui.post(f"{PATH}/runs/{SECOND}/cancel", CANCELLED)
    tab.get_by_role("button", name=f"Cancel… {SECOND}").click()
    dialog = page.get_by_role("alertdialog", name=f"Cancel run {SECOND}?")
    dialog.get_by_label("Reason").fill("wrong url")
    dialog.get_by_role("button", name="Cancel the run").click()
    hears(page, f"Run {SECOND} is cancelled")
    assert [one.body for one in ui.asked_for("POST", f"{PATH}/runs/{SECOND}/cancel")] == [{"reason": "wrong url"}]


def test_the_active_run_is_cancelled_and_what_was_reached_is_shown(page, ui):
    canned.serve(ui)
    tab = opened(page, ui)
    path = f"{PATH}/runs/manual__active/cancel"
    ui.post(path, {**CANCELLED, "run": "manual__active", "state": "cancelling", "running": 3, "waiting": 7})
    tab.get_by_role("button", name="Cancel… manual__active").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel the run").click()
    hears(page, "Run manual__active is cancelling, 3 tasks are asked to end, 7 tasks do not start")
    assert [one.body for one in ui.asked_for("POST", path)] == [{"reason": ""}]


def test_a_user_who_may_only_read_is_refused_in_words(page, ui):
    canned.serve(ui)
    tab = opened(page, ui)
    ui.post(f"{PATH}/runs/{FIRST}/cancel", problem(403, "forbidden", "Forbidden"))
    tab.get_by_role("button", name=f"Cancel… {FIRST}").click()
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_role("button", name="Cancel the run").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Forbidden")
    dialog.get_by_role("button", name="Keep it").click()
    expect(tab.get_by_role("button", name=f"Cancel… {FIRST}")).to_be_focused()


def test_it_works_by_keyboard(page, ui):
    canned.serve(ui)
    tab = opened(page, ui)
    button = tab.get_by_role("button", name=f"Priority… {SECOND}")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("alertdialog")
    expect(dialog.get_by_label("Priority")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    assert not [one for one in ui.asked if one.method == "POST"]


def test_a_plain_dag_has_one_line_after_one_request(page, ui):
    page.goto(f"{ui.url}/dags/plain/plugin/mcp-job")
    expect(page.get_by_text("This DAG is not a job of airflow-mcp-provider")).to_be_visible()
    ask_again(page)
    page.wait_for_timeout(6000)  # longer than from one poll to the next
    assert [(one.method, one.path) for one in ui.asked] == [("GET", "jobs/plain")]


def test_an_error_of_the_spec_a_pause_and_the_problem_of_a_watch_are_shown(page, ui):
    watch = WatchState(
        last_check=ago(40),
        last_success=None,
        pending=False,
        error="no such table",
        failures=4,
        problem="no triggerer runs",
    )
    error = "dags/jobs/crawl.yaml:3: retries.delay: invalid duration\nruns have the last valid version of its spec"
    shown = canned.job(
        error=error, paused=True, watch=watch, upcoming=[], next_run=None, holder=None, queued=0, queue=[]
    )
    canned.serve(ui, shown, [])
    tab = opened(page, ui)
    expect(tab.get_by_test_id("spec-error")).to_contain_text(error)
    expect(tab.get_by_text("paused", exact=False).first).to_be_visible()
    expect(tab.get_by_text("No run is active, and none waits.")).to_be_visible()
    expect(tab.get_by_text("No run has ended yet.")).to_be_visible()
    found = tab.get_by_test_id("watch")
    expect(found).to_contain_text("no triggerer runs")
    expect(found).to_contain_text(
        re.compile(r"Last check.*\d+s ago.*Last success.*never.*4 since the last success.*no such table", re.DOTALL)
    )


def test_a_job_without_schedule_and_params_says_so(page, ui):
    empty = canned.job(schedule=None, schedule_description=None, upcoming=[], params={"properties": {}}, spec={})
    canned.serve(ui, empty)
    tab = opened(page, ui)
    expect(tab.get_by_text("No schedule: runs are submitted by people and programs.")).to_be_visible()
    expect(tab.get_by_text("The job has no params.")).to_be_visible()
    expect(tab.get_by_test_id("upcoming")).to_have_count(0)


def test_the_spec_is_copied(page, ui):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    canned.serve(ui)
    tab = opened(page, ui)
    tab.get_by_role("button", name="Copy spec").click()
    hears(page, "The spec was copied.")
    assert page.evaluate("navigator.clipboard.readText()") == canned.SPEC


@pytest.mark.usefixtures("own_page")
def test_without_a_clipboard_the_spec_is_copied_in_the_older_way(page, ui):
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    canned.serve(ui)
    tab = opened(page, ui)
    tab.get_by_role("button", name="Copy spec").click()
    hears(page, re.compile("The spec (was copied|is selected)"))
    assert page.evaluate("getSelection().toString()").strip() == canned.SPEC.strip()


@pytest.mark.parametrize("status", [503, 403])
def test_an_error_later_keeps_what_is_shown(page, ui, status):
    canned.serve(ui)
    tab = opened(page, ui)
    ui.get(PATH, problem(status, "unavailable", "the database is busy; retry the request"))
    ask_again(page)
    expect(tab.get_by_role("alert")).to_contain_text("the database is busy")
    expect(rows(tab, "queue")).to_have_count(3)
    if status == 503:
        fails_often(page, ui, PATH)
    canned.serve(ui)
    tab.get_by_role("button", name="Try again").click()
    expect(tab.get_by_role("alert")).to_have_count(0)


def test_a_job_that_the_user_may_not_see(page, ui):
    ui.get(PATH, problem(403, "forbidden", "Forbidden"))
    page.goto(f"{ui.url}{TAB}")
    expect(page.get_by_text("You are not allowed to see this")).to_be_visible()
