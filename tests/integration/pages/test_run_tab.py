"""The tab Subtasks of a run, in the installed UI of Airflow."""

from __future__ import annotations

import re
from functools import partial

import pytest
from playwright.sync_api import expect

from airflow_mcp_provider.client.models import Attempt, RunState, SubtaskState, Why
from tests.integration.browser.frames import scrolled
from tests.integration.browser.screen_reader import hears
from tests.integration.pages.canned import problem
from tests.integration.pages.documents import ago
from tests.integration.pages.runs import PATH, TAB, PlayedRun, open_tab, subtask
from tests.integration.pages.waiting import ask_again, asks_for_nothing, settles, until

HOSTILE = '<img src="http://evil.example/x.png" onerror="globalThis.hit = 1"> ![p](http://evil.example/y.png)'
FAILED, RUNNING, WAITING = SubtaskState.FAILED, SubtaskState.RUNNING, SubtaskState.WAITING


@pytest.fixture
def opened(page, ui):
    """Open the tab on a run; a request to another host fails the test."""
    elsewhere = []
    page.on("request", lambda request: None if request.url.startswith(ui.url) else elsewhere.append(request.url))

    yield partial(open_tab, page, ui)
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []


def row(tab, key):
    return tab.get_by_test_id("rows").get_by_role("row").filter(has=tab.page.get_by_title(key, exact=True))


def shows(tab, *keys):
    """Wait until the visible rows are those of these subtasks."""
    found = subtasks(tab)
    expect(found).to_have_count(len(keys))
    for place, key in enumerate(keys):
        expect(found.nth(place)).to_have_attribute("title", key)


def subtasks(tab):
    return tab.locator("[data-kind=subtask] > :first-child")


def small(**fields):
    """Roots a, b, c; a has enqueued two, one of them has enqueued one."""
    return PlayedRun(
        [
            subtask("a", children=2),
            subtask("b", FAILED, error=Why(code="ValueError", text=HOSTILE), attempt=3),
            subtask("c", RUNNING, fraction=0.5, message="half"),
            subtask("a/1", parent="a", depth=1, children=1),
            subtask("a/2", WAITING, parent="a", depth=1),
            subtask("a/1/x", WAITING, parent="a/1", depth=2),
        ],
        fields,
    )


def test_the_bar_the_rate_and_the_time_left(opened):
    tab = opened(small())
    whole = tab.get_by_test_id("whole")
    expect(whole).to_contain_text("3 of 6 (50%) ended")
    for text in ("running subtasks may enqueue more", "2 succeeded", "1 failed", "1 running", "2 waiting"):
        expect(whole).to_contain_text(text)
    expect(whole).to_contain_text("15 per minute")
    expect(whole).to_contain_text(re.compile("about 2m .*left, until"))
    log = tab.get_by_role("link", name="Log of plan")
    expect(log).to_have_attribute("href", "/dags/crawl/runs/manual__1/tasks/plan")
    bar = tab.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "3")
    expect(bar).to_have_attribute("aria-valuetext", re.compile("1 failed"))


def test_a_queued_run_shows_its_place_and_why_it_waits(opened):
    why = Why(code="holder_running", text="manual__0 is running")
    tab = opened(
        PlayedRun([], {"state": RunState.QUEUED, "position": 3, "reason": why, "started": None, "progress": None})
    )
    expect(tab).to_contain_text("3 in the queue")
    expect(tab.get_by_test_id("why")).to_contain_text("manual__0 is running")
    expect(tab.get_by_text("No subtasks yet")).to_be_visible()


def test_children_are_asked_for_when_their_parent_is_opened(opened, ui, page):
    tab = opened(small())
    row(tab, "a").locator("[data-arrow]").click()
    expect(row(tab, "a/1")).to_be_visible()
    row(tab, "a/1").locator("[data-arrow]").click()
    expect(row(tab, "a/1/x")).to_have_attribute("aria-level", "3")
    shows(tab, "a", "a/1", "a/1/x", "a/2", "b", "c")
    assert {query["parent"][0] for query in (one.query for one in ui.asked_for("GET", f"{PATH}/subtasks"))} == {
        "",
        "a",
        "a/1",
    }
    row(tab, "a").locator("[data-arrow]").click()
    expect(row(tab, "a/1")).to_be_hidden()
    shows(tab, "a", "b", "c")


ACTIVE = """(key) => {
  const row = document.getElementById(document.querySelector("[role=treegrid]").getAttribute("aria-activedescendant"));
  return row?.firstElementChild.title === key;
}"""


def test_the_tree_by_keys_alone(opened, page):
    tab = opened(small())
    tree = tab.get_by_role("treegrid")
    expect(row(tab, "c")).to_be_visible()
    tree.focus()

    def is_active(key):
        page.wait_for_function(ACTIVE, arg=key)

    is_active("a")
    page.keyboard.press("ArrowRight")
    expect(row(tab, "a/1")).to_be_visible()
    expect(row(tab, "a")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowRight")
    is_active("a/1")
    page.keyboard.press("ArrowDown")
    is_active("a/2")
    page.keyboard.press("ArrowLeft")
    is_active("a")
    page.keyboard.press("ArrowLeft")
    expect(row(tab, "a/1")).to_be_hidden()
    page.keyboard.press("End")
    is_active("c")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    details = page.get_by_test_id("details")
    expect(details.get_by_role("heading", name="b")).to_be_focused()
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()
    expect(tree).to_be_focused()


def test_a_failure_has_its_reason_and_its_attempts_with_logs(opened, page):
    run = small()
    why = Why(code="ValueError", text=HOSTILE)
    died = Why(code="OOMKilled", text="the memory of the pod ran out")
    attempts = [
        Attempt(number=1, started=ago(100), ended=ago(90), error=died),
        Attempt(number=2, started=ago(60), ended=ago(30), error=why),
    ]
    run.subtasks[1] = run.subtasks[1].model_copy(update={"attempts": attempts})
    tab = opened(run)
    expect(row(tab, "b")).to_contain_text("ValueError: <img src=")
    row(tab, "b").click()
    table = page.get_by_role("table", name="Attempts")
    expect(table.get_by_role("row")).to_have_count(3)
    expect(table).to_contain_text("the memory of the pod ran out")
    expect(table).to_contain_text("![p](http://evil.example/y.png)")
    log = table.get_by_role("link", name="Log of attempt 2")
    expect(log).to_have_attribute("href", "/dags/crawl/runs/manual__1/tasks/run/mapped/0?try_number=2")
    link = page.get_by_test_id("details").get_by_role("link", name="https://example.com/b")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    assert page.evaluate("globalThis.hit") is None


def test_filters_are_asked_of_the_server_and_the_tree_comes_back_as_it_was(opened, ui, page):
    tab = opened(small())
    row(tab, "a").locator("[data-arrow]").click()
    expect(row(tab, "a/2")).to_be_visible()
    tab.get_by_role("combobox", name="State").select_option("waiting")
    expect(row(tab, "a/1/x")).to_contain_text("in a/1")
    shows(tab, "a/2", "a/1/x")
    tab.get_by_label("Text in the key").fill("x")
    expect(row(tab, "a/2")).to_be_hidden()
    shows(tab, "a/1/x")
    last = ui.asked_for("GET", f"{PATH}/subtasks")[-1].query
    assert (last["state"], last["text"]) == (["waiting"], ["x"])
    tab.get_by_label("Text in the key").fill("nothing")
    expect(tab.get_by_text("No subtask fits the filter")).to_be_visible()
    tab.get_by_role("button", name="Show the tree").click()
    expect(row(tab, "a/2")).to_be_visible()
    tab.get_by_role("button", name="Show the 1 failed").click()
    expect(row(tab, "a")).to_be_hidden()
    shows(tab, "b")


def test_the_address_has_what_is_shown_and_nothing_typed_is_lost(opened, page):
    tab = opened(small())
    tab.get_by_role("combobox", name="State").select_option("failed")
    search = tab.get_by_label("Text in the key")
    search.fill("b")
    expect(page).to_have_url(re.compile("mcp_state=failed.*mcp_text=b"))
    expect(search).to_be_focused()
    row(tab, "b").click()
    expect(page).to_have_url(re.compile("mcp_subtask=b&mcp_subtask_step=run"))
    page.reload()
    expect(page.get_by_test_id("details")).to_contain_text("Why it failed")
    expect(tab.get_by_role("combobox", name="State")).to_have_value("failed")
    expect(search).to_have_value("b")
    shows(tab, "b")


def test_growth_does_not_move_what_the_reader_looks_at(opened, page):
    many = [subtask(f"s{number:03}", WAITING) for number in range(300)]
    many[0] = subtask("s000", RUNNING, children=1)
    many.append(subtask("s000/a", parent="s000", depth=1))
    run = PlayedRun(many)
    tab = opened(run)
    row(tab, "s000").locator("[data-arrow]").click()
    expect(row(tab, "s000/a")).to_be_visible()
    rows = tab.get_by_test_id("rows")
    rows.evaluate("(one) => (one.scrollTop = 5 * 32)")
    expect(row(tab, "s012")).to_be_visible()

    def top():
        return row(tab, "s012").bounding_box()["y"]

    before = top()
    run.subtasks += [subtask(f"s000/b{number}", parent="s000", depth=1) for number in range(5)]
    run.subtasks[0] = subtask("s000", RUNNING, children=6)
    ask_again(page)
    expect(tab.get_by_test_id("whole")).to_contain_text("of 306")
    # Five rows more are above it now.
    page.wait_for_function("document.querySelector('[data-testid=rows]').scrollTop === 10 * 32")
    assert top() == pytest.approx(before, abs=1)
    rows.evaluate("(one) => (one.scrollTop = 0)")
    expect(row(tab, "s000/b4")).to_be_visible()


DOWN_TO = """(key) => {
  const rows = document.querySelector("[data-testid=rows]");
  rows.scrollTop = rows.scrollHeight;
  return [...rows.querySelectorAll("[data-kind=subtask] > :first-child")].some(({ title }) => title > key);
}"""


def test_ten_thousand_subtasks_are_smooth(opened, page):
    run = PlayedRun([subtask(f"s{number:05}", RUNNING if number % 7 else WAITING) for number in range(10_000)])
    tab = opened(run)
    expect(row(tab, "s00003")).to_be_visible()
    seen = scrolled(page, 20_000)
    assert seen["rows"] < 120, "only what is in view is in the DOM"
    page.wait_for_function(DOWN_TO, arg="s00700", polling=100)
    assert tab.locator("[data-kind]").count() < 120


def test_polls_stop_when_the_run_has_ended_or_the_tab_is_hidden(opened, page, ui):
    run = small()
    opened(run)
    until(page, lambda: len(ui.asked_for("GET", PATH)) >= 2)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    settles(page, ui)
    ask_again(page)
    asks_for_nothing(page, ui, 7)
    run.fields["state"] = RunState.COMPLETED
    page.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
    ask_again(page)
    expect(page.get_by_test_id("mcp-run")).to_contain_text("completed")
    settles(page, ui)
    ask_again(page)
    asks_for_nothing(page, ui, 7)


def test_cancel_with_reason_and_grace(opened, page, ui):
    run = small()
    tab = opened(run)

    def cancel(_):
        run.fields["state"] = RunState.CANCELLED
        return {"run": "manual__1", "state": "cancelled", "running": 1, "waiting": 2, "children": 0}

    ui.post(f"{PATH}/cancel", cancel)
    tab.get_by_role("button", name="Cancel…").click()
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_label("Reason").fill("wrong url")
    dialog.get_by_label("Grace").fill("60")
    dialog.get_by_role("button", name="Cancel the run").click()
    expect(dialog).to_be_hidden()
    hears(page, "Run manual__1 is cancelled, 1 task is asked to end, 2 tasks do not start")
    assert [one.body for one in ui.asked_for("POST", f"{PATH}/cancel")] == [{"reason": "wrong url", "grace": 60}]
    expect(tab.get_by_role("button", name="Cancel…")).to_be_hidden()
    expect(tab.get_by_role("button", name="Retry failed…")).to_be_visible()


def test_retry_starts_the_polls_again(opened, page, ui):
    run = small(state=RunState.PARTIAL)
    tab = opened(run)

    def retry(_):
        run.fields.update(state=RunState.QUEUED, position=1)
        run.subtasks[1] = subtask("b", WAITING)
        return {"run": "manual__1", "state": "queued", "subtasks": 1}

    ui.post(f"{PATH}/retry", retry)
    tab.get_by_role("button", name="Retry failed…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Retry").click()
    hears(page, "1 subtask will run again")
    expect(row(tab, "b")).to_contain_text("waiting")
    assert [one.body for one in ui.asked_for("POST", f"{PATH}/retry")] == [{}]
    run.fields.update(state=RunState.RUNNING, position=None)
    run.subtasks[1] = subtask("b", RUNNING)
    expect(row(tab, "b")).to_contain_text("running")


def test_one_subtask_is_retried(opened, page, ui):
    tab = opened(small(state=RunState.PARTIAL))
    ui.post(f"{PATH}/retry", {"run": "manual__1", "state": "queued", "subtasks": 1})
    row(tab, "b").click()
    page.get_by_test_id("details").get_by_role("button", name="Retry this subtask…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Retry").click()
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    assert [one.body for one in ui.asked_for("POST", f"{PATH}/retry")] == [{"keys": ["b"]}]


def test_parallelism_and_a_refusal(opened, page, ui):
    tab = opened(small())
    refusal = "run manual__1 of job crawl has ended"
    ui.post(f"{PATH}/parallelism", problem(409, "ended", refusal))
    tab.get_by_role("button", name="Parallelism…").click()
    dialog = page.get_by_role("alertdialog")
    dialog.get_by_label("Tasks at the same time").fill("3")
    dialog.get_by_role("button", name="Change").click()
    expect(dialog.get_by_role("alert")).to_contain_text(refusal)
    ui.post(f"{PATH}/parallelism", lambda _: None)
    dialog.get_by_label("Tasks at the same time").fill("")
    dialog.get_by_role("button", name="Change").click()
    expect(dialog).to_be_hidden()
    assert [one.body for one in ui.asked_for("POST", f"{PATH}/parallelism")] == [
        {"parallelism": 3},
        {"parallelism": None},
    ]


def test_the_result_is_data(opened, page):
    result = {
        "pages": 3,
        "worst": [{"url": "https://example.com/a", "ms": 9}, {"url": "javascript:alert(1)", "note": HOSTILE}],
        "deep": {"a": {"b": [1, 2]}},
    }
    tab = opened(small(state=RunState.PARTIAL, result=result))
    tab.get_by_role("tab", name="Result").click()
    shown = tab.get_by_test_id("result")
    table = shown.get_by_role("table", name="worst")
    expect(table.get_by_role("columnheader")).to_have_text(["url", "ms", "note"])
    expect(table.get_by_role("link")).to_have_count(1)
    expect(table.get_by_role("link")).to_have_attribute("rel", "noopener noreferrer")
    expect(table).to_contain_text(HOSTILE)
    expect(shown.locator("pre")).to_have_count(0)
    shown.get_by_text("{1 field}").click()
    expect(shown.locator("pre")).to_contain_text('"b": [')
    assert page.evaluate("globalThis.hit") is None


def test_the_timeline_has_what_runs_and_what_has_ended(opened, page):
    run = small()
    tab = opened(run)
    expect(row(tab, "c")).to_be_visible()
    tab.get_by_role("tab", name="Runners").click()
    timeline = tab.get_by_role("img", name=re.compile("^Timeline of runners: 1 running, 2 ended"))
    expect(timeline).to_be_visible()
    table = tab.get_by_role("table", name="Subtasks that are running")
    expect(table.get_by_role("row")).to_have_count(2)
    run.subtasks[2] = subtask("c")
    ask_again(page)
    expect(tab.get_by_role("img", name=re.compile("0 running, 3 ended"))).to_be_visible()


def test_an_error_of_the_list_leaves_the_rest_of_the_page(opened, ui, page):
    run = small()
    tab = opened(run)
    expect(row(tab, "a")).to_be_visible()
    ui.get(f"{PATH}/subtasks", problem(503, "unavailable", "the database is busy"))
    ask_again(page)
    expect(tab.get_by_role("alert").filter(has_text="the database is busy")).to_contain_text("out of date")
    row(tab, "a").locator("[data-arrow]").click()
    expect(tab.get_by_text("Not loaded: the database is busy")).to_be_visible()
    run.serve(ui)
    ask_again(page)
    expect(row(tab, "a/1")).to_be_visible()
    ui.get(f"{PATH}/subtasks", problem(403, "forbidden", "not any more"))
    row(tab, "a/1").locator("[data-arrow]").click()
    expect(tab.get_by_text("Not loaded: not any more")).to_be_visible()
    run.serve(ui)
    row(tab, "a/1").locator("xpath=following-sibling::*[1]").get_by_role("button", name="Try again").click()
    expect(row(tab, "a/1/x")).to_be_visible()


def test_a_dag_that_is_not_a_job_has_one_line_after_one_request(page, ui):
    page.goto(f"{ui.url}{TAB}")
    expect(page.get_by_text("This run does not belong to a job of airflow-mcp-provider")).to_be_visible()
    page.wait_for_timeout(7000)
    assert [one.path for one in ui.asked] == [PATH]
