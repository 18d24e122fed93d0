"""The page Jobs in the installed UI of Airflow, on documents that a test gives."""

import re

import pytest
from playwright.sync_api import expect

from airflow_mcp_provider.plugin.pages import entries
from tests.integration.browser.screen_reader import hears, listen
from tests.integration.pages import documents
from tests.integration.pages.canned import Answer, CannedUi, NotJson, problem
from tests.integration.pages.waiting import fails_often, settles, until

URL = "/plugin/mcp-jobs"
WRONG = "jobs/alpha.yaml:3: run: missing value\nruns of the job have the last valid version of its spec"
TAGGED = '<img src="x" onerror="globalThis.hit = 1">'


@pytest.fixture
def jobs(ui, page):
    """Open the page on some jobs."""

    def opened(*found, url=URL):
        documents.serve(ui, list(found))
        page.goto(ui.url + url)
        if found:
            row(page, found[0].job).wait_for()
            until(page, lambda: ui.asked_for("GET", "tags"))
        listen(page)
        return page

    return opened


def row(page, job):
    return page.get_by_role("row").filter(has=page.locator(f'[data-job="{job}"]'))


def test_what_a_row_has(jobs):
    page = jobs(
        documents.job("alpha", tags=["nightly"], error=WRONG, next_run=documents.ago(-documents.LONG)),
        documents.running("crawl"),
        documents.job("new", last=[], description=None, next_run=documents.ago(-(73 * 365 + 5) * 86_400 - 43_200)),
    )
    expect(row(page, "new")).to_contain_text("in 73y 5d")
    alpha = row(page, "alpha")
    expect(alpha.get_by_role("link", name="alpha", exact=True)).to_have_attribute("href", "/dags/alpha/plugin/mcp-job")
    expect(alpha).to_contain_text("in 2d 5h")
    squares = alpha.get_by_role("listitem").get_by_role("link")
    expect(squares).to_have_count(10)
    expect(squares.nth(2)).to_have_attribute(
        "aria-label", re.compile(r"error after 42s, ended \S+ \S+ ago, run manual__2")
    )
    expect(squares.nth(2)).to_have_attribute("href", "/dags/alpha/runs/manual__2/plugin/mcp-run")
    expect(squares.nth(2)).to_have_text("✗")
    crawl = row(page, "crawl")
    expect(crawl).to_contain_text(re.compile(r"▶running2d 5h.*manual__active.*by anna"))
    expect(crawl.get_by_role("cell").nth(2)).to_have_text("2")
    expect(row(page, "new")).to_contain_text("no runs yet")


def test_the_error_of_a_spec_is_read_in_full(jobs):
    page = jobs(documents.job("alpha", error=WRONG))
    page.get_by_role("button", name="Error in the spec: jobs/alpha.yaml:3: run: missing value").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("runs of the job have the last valid version of its spec")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_texts_of_people_are_texts(jobs):
    page = jobs(documents.job("alpha", description=TAGGED, error=TAGGED, tags=[TAGGED]))
    expect(row(page, "alpha")).to_contain_text(TAGGED)
    assert page.evaluate("globalThis.hit") is None
    assert row(page, "alpha").locator("img").count() == 0


@pytest.mark.usefixtures("own_page")
def test_times_are_in_the_zone_that_the_reader_chose(jobs, page):
    title = page.locator('[data-job="alpha"] time[title]').first
    jobs(documents.job("alpha", next_run=documents.ago(-60)))
    expect(title).to_have_attribute("title", re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Asia/Tokyo$"))
    page.evaluate("localStorage.setItem('timezone', JSON.stringify('UTC'))")
    page.reload()
    expect(title).to_have_attribute("title", re.compile(r" UTC$"))


def test_filters_are_asked_of_the_server_and_stand_in_the_address(jobs, ui, page):
    jobs(documents.job("alpha", tags=["nightly"]), documents.job("beta", paused=True), documents.running("crawl"))
    page.get_by_role("searchbox").press_sequentially("CRA")
    expect(row(page, "alpha")).to_be_hidden()
    expect(page.get_by_role("searchbox")).to_have_value("CRA")
    expect(page).to_have_url(re.compile("search=CRA"))
    expect(page.get_by_role("searchbox")).to_be_focused()
    until(page, lambda: ui.asked_for("GET", "jobs")[-1].query.get("search") == ["CRA"])
    page.get_by_role("searchbox").fill("")
    row(page, "alpha").get_by_role("button", name="nightly").click()
    expect(row(page, "beta")).to_be_hidden()
    expect(page.get_by_role("combobox", name="Tag")).to_have_value("nightly")
    page.get_by_role("combobox", name="Tag").select_option("")
    for option, expected in (("Paused", "beta"), ("Queued or running", "crawl")):
        page.get_by_role("combobox", name="Which jobs").select_option(option)
        expect(page.locator("[data-job]")).to_have_count(1)
        expect(row(page, expected)).to_be_visible()
    page.get_by_role("searchbox").fill("none has this")
    expect(page.get_by_text("No job matches")).to_be_visible()
    page.get_by_role("button", name="Show all jobs").click()
    expect(page.locator("[data-job]")).to_have_count(3)


def test_the_tags_of_jobs_that_were_not_loaded_can_be_chosen(jobs, page):
    jobs(*(documents.job(f"job_{number:02}", last=[]) for number in range(60)), documents.job("late", tags=["nightly"]))
    page.get_by_role("combobox", name="Tag").select_option("nightly")
    expect(page.locator("[data-job]")).to_have_count(1)
    expect(row(page, "late")).to_be_visible()


def test_another_filter_starts_at_the_top(jobs, page):
    jobs(*(documents.job(f"job_{number:02}", last=[], paused=True) for number in range(40)))
    page.get_by_role("table", name="Jobs").focus()
    page.keyboard.press("End")
    expect(row(page, "job_39")).to_be_in_viewport()
    page.get_by_role("combobox", name="Which jobs").select_option("Paused")
    expect(row(page, "job_00")).to_be_in_viewport()


def test_a_link_with_filters_shows_the_same_jobs(jobs, page):
    jobs(documents.job("alpha", tags=["nightly"]), documents.job("beta"), url=f"{URL}?tag=nightly")
    expect(page.locator("[data-job]")).to_have_count(1)
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.locator("[data-job]")).to_have_count(2)
    expect(page.get_by_role("combobox", name="Tag")).to_have_value("")


def test_an_installation_without_jobs(jobs, page):
    jobs()
    expect(page.get_by_text("No jobs yet")).to_be_visible()


def test_a_link_to_a_run_opens_its_tab(jobs, page):
    name = "manual__2026-01-01T00:00:00+00:00"
    jobs(documents.job("alpha", last=[documents.run("alpha", name)]))
    page.get_by_role("listitem").get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/runs/{re.escape(name)}/plugin/mcp-run$"))
    expect(page.get_by_role("link", name="Subtasks", exact=True)).to_have_attribute("aria-current", "page")


def test_a_small_window_has_room_for_all_columns(jobs, page):
    page.set_viewport_size({"width": 1000, "height": 700})
    jobs(documents.running("crawl", paused=True, next_run=documents.ago(-7300)))
    table = page.get_by_role("table", name="Jobs")
    assert table.evaluate("(frame) => frame.scrollWidth <= frame.clientWidth")
    edge = table.bounding_box()
    last = page.get_by_role("button", name="Cancel the active run of crawl").bounding_box()
    assert last["x"] + last["width"] <= edge["x"] + edge["width"]


def test_pause_and_resume(jobs, ui, page):
    jobs(documents.job("alpha"))

    def pause(request):
        ui.get("jobs", documents.paged([documents.job("alpha", paused=True)]))

    ui.post("jobs/alpha/pause", pause)
    page.get_by_role("button", name="Pause alpha").click()
    expect(row(page, "alpha")).to_contain_text("paused")
    hears(page, "alpha is paused: no run and no task of it starts")
    expect(page.get_by_role("button", name="Resume alpha")).to_be_visible()
    (sent,) = ui.asked_for("POST", "jobs/alpha/pause")
    assert sent.body == {}


def test_cancel_asks_first_and_sends_the_reason(jobs, ui, page):
    jobs(documents.job("alpha"), documents.running("crawl"))
    expect(page.get_by_role("button", name="Cancel the active run of alpha")).to_be_disabled()
    path = "jobs/crawl/runs/manual__active/cancel"
    ui.post(path, {"run": "manual__active", "state": "cancelling", "running": 3, "waiting": 4, "children": 0})
    page.get_by_role("button", name="Cancel the active run of crawl").click()
    dialog = page.get_by_role("alertdialog", name="Cancel run manual__active?")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    assert ui.asked_for("POST", path) == []
    page.get_by_role("button", name="Cancel the active run of crawl").click()
    expect(dialog.get_by_role("textbox", name="Reason")).to_be_focused()
    page.keyboard.type("wrong site")
    page.keyboard.press("Enter")
    hears(page, "Run manual__active is cancelling, 3 tasks are asked to end, 4 tasks do not start")
    (sent,) = ui.asked_for("POST", path)
    assert sent.body == {"reason": "wrong site"}


def test_a_user_without_the_right_reads_why(jobs, ui, page):
    jobs(documents.running("crawl"))
    ui.post("jobs/crawl/pause", problem(403, "forbidden", "Forbidden: anna may not change crawl"))
    ui.post("jobs/crawl/runs/manual__active/cancel", problem(409, "ended", "the run manual__active has ended"))
    page.get_by_role("button", name="Pause crawl").click()
    expect(page.get_by_role("alert")).to_contain_text("Forbidden: anna may not change crawl")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Cancel the active run of crawl").click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("the run manual__active has ended")


@pytest.mark.usefixtures("own_page")
def test_trigger_opens_airflows_own_form(jobs, page):
    jobs(documents.job("alpha"))
    page.get_by_role("button", name="Trigger alpha").click()
    expect(page).to_have_url(re.compile("/dags/alpha$"))
    expect(page.get_by_role("dialog")).to_contain_text("alpha")
    expect(page.get_by_test_id("trigger-dag-submit")).to_be_visible()


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (
            problem(403, "forbidden", "Forbidden"),
            ["You are not allowed to see this", "Forbidden", "Ask an administrator"],
        ),
        (
            problem(401, "unauthorized", "Token Expired"),
            ["You are not logged in any more", "Token Expired", "Load the page again"],
        ),
        (problem(503, "busy", "the API server is busy; retry the request later"), ["the API server is busy"]),
        (Answer("<html>", 502), ["502 Bad Gateway"]),
        (NotJson(), ["The answer is not JSON", "a proxy may ask for a login"]),
    ],
)
def test_errors_are_read(ui, page, answer, texts):
    ui.get("jobs", answer)
    page.goto(ui.url + URL)
    for text in texts:
        expect(page.get_by_role("alert")).to_contain_text(text)
    if answer.status not in {401, 403}:
        fails_often(page, ui, "jobs")
    ui.get("jobs", documents.paged([documents.job("alpha")]))
    page.get_by_role("button", name="Try again").click()
    expect(row(page, "alpha")).to_be_visible()


@pytest.mark.usefixtures("own_page")
def test_what_was_read_stays_on_an_error(jobs, ui, page):
    page.clock.install()
    jobs(documents.job("alpha"))
    ui.get("jobs", problem(503, "busy", "the API server is busy"))
    page.clock.run_for(6_000)
    expect(page.get_by_role("alert")).to_contain_text("What follows may be out of date")
    expect(row(page, "alpha")).to_be_visible()
    ui.get("jobs", documents.paged([documents.job("alpha", queued=7)]))
    page.clock.run_for(11_000)
    expect(row(page, "alpha").get_by_role("cell").nth(2)).to_have_text("7")
    expect(page.get_by_role("alert")).to_be_hidden()


HIDDEN = """(hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.mark.usefixtures("own_page")
def test_a_hidden_tab_asks_nothing(jobs, ui, page):
    page.clock.install()
    jobs(documents.job("alpha"))
    page.evaluate(f"({HIDDEN})(true)")
    settles(page, ui)
    before = len(ui.asked)
    page.clock.run_for(60_000)
    assert len(ui.asked) == before
    ui.get("jobs", documents.paged([documents.job("alpha", queued=7)]))
    page.evaluate(f"({HIDDEN})(false)")
    expect(row(page, "alpha").get_by_role("cell").nth(2)).to_have_text("7")


@pytest.mark.usefixtures("own_page")
def test_another_page_of_the_ui_stops_the_polls(jobs, ui, page):
    page.clock.install()
    jobs(documents.job("alpha"))
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_test_id("mcp-jobs")).to_be_hidden()
    settles(page, ui)
    before = len(ui.asked)
    page.clock.run_for(60_000)
    assert len(ui.asked) == before


def test_a_thousand_jobs(jobs, ui, page):
    jobs(*(documents.job(f"job_{number:04}", last=[]) for number in range(1000)))
    table = page.get_by_role("table", name="Jobs")
    expect(table).to_have_attribute("aria-rowcount", "-1")
    assert not [one for one in ui.asked_for("GET", "jobs") if one.query.get("cursor")], "what is in sight"
    table.focus()
    until(page, lambda: row(page, "job_0999").count() or page.keyboard.press("End"))
    expect(row(page, "job_0999")).to_be_visible()
    expect(table).to_have_attribute("aria-rowcount", "1001")
    expect(row(page, "job_0999")).to_have_attribute("aria-rowindex", "1001")
    assert page.locator("[data-job]").count() < 40
    cursors = [one.query.get("cursor", [""])[0] for one in ui.asked_for("GET", "jobs")]
    assert len(set(cursors)) == 20


@pytest.mark.usefixtures("own_page")
def test_only_what_is_in_sight_is_asked_again(jobs, ui, page):
    page.clock.install()
    jobs(*(documents.job(f"job_{number:04}", last=[]) for number in range(150)))
    table = page.get_by_role("table", name="Jobs")
    for number in (50, 100):
        table.evaluate("(frame) => { frame.scrollTop = frame.scrollHeight; }")
        expect(page.locator(f'[data-job="job_{number:04}"]')).to_have_count(1)
        page.clock.run_for(100)
    table.evaluate("(frame) => { frame.scrollTop = frame.scrollHeight; }")
    expect(row(page, "job_0149")).to_be_visible()
    page.clock.run_for(100)
    ui.asked.clear()
    page.clock.run_for(5_500)
    until(page, lambda: ui.asked)
    assert {one.query["cursor"][0] for one in ui.asked} == {"job_0099"}


def test_the_keyboard_moves_in_the_list(jobs, page):
    jobs(*(documents.job(f"job_{number:02}", last=[]) for number in range(40)))
    table = page.get_by_role("table", name="Jobs")
    table.focus()
    for key, seen in (("PageDown", "job_14"), ("End", "job_39"), ("Home", "job_00")):
        page.keyboard.press(key)
        expect(row(page, seen)).to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="job_00", exact=True)).to_be_focused()


@pytest.mark.usefixtures("own_page")
def test_below_a_path(page):
    with CannedUi("/team/airflow") as ui:
        ui.get("jobs", documents.paged([documents.job("alpha")]))
        page.goto(ui.url + URL)
        link = page.get_by_role("link", name="alpha", exact=True)
        expect(link).to_have_attribute("href", "/team/airflow/dags/alpha/plugin/mcp-job")
        link.click()
        expect(page).to_have_url(f"{ui.url}/dags/alpha/plugin/mcp-job")


@pytest.mark.usefixtures("own_page")
def test_without_tabs_links_lead_to_airflows_own_pages(monkeypatch, jobs, page):
    monkeypatch.setenv("AIRFLOW__MCP__UI", "nav")
    jobs(documents.job("alpha"))
    expect(page.get_by_role("link", name="alpha", exact=True)).to_have_attribute("href", "/dags/alpha")
    expect(page.get_by_role("listitem").get_by_role("link").first).to_have_attribute(
        "href", "/dags/alpha/runs/manual__0"
    )


@pytest.mark.usefixtures("own_page")
def test_dark_mode(jobs, page, pictures):
    page.add_init_script("localStorage.setItem('theme', 'dark')")
    jobs(documents.job("alpha", error=WRONG), documents.running("crawl"))
    colors = page.evaluate(
        "['h1', 'main, body'].map((one) => getComputedStyle(document.querySelector(one))).map((s) => [s.color, s.backgroundColor])"
    )
    assert page.locator("html").get_attribute("class") == "dark" or "dark" in (
        page.locator("html").get_attribute("class") or ""
    )
    assert colors[0][0] != colors[1][1]
    pictures(page, "dark")


def test_an_error_of_the_page_leaves_the_rest_of_the_ui(ui, page):
    broken = documents.job("alpha").model_dump(mode="json")
    del broken["last"]
    ui.get("jobs", {"jobs": [broken], "next": None})
    page.goto(ui.url + URL)
    expect(page.get_by_role("alert")).to_contain_text("This page has an error")
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.usefixtures("own_page")
def test_the_names_of_pages_are_free_in_a_browser(page, ui):
    page.goto(f"{ui.url}/static/pin_32.png")
    assert page.evaluate("(names) => names.filter((name) => name in globalThis)", list(entries.MODULES)) == []


def test_the_first_search_keeps_the_focus(jobs):
    page = jobs(documents.running("crawl"))
    page.get_by_role("searchbox").press_sequentially("c")
    expect(page).to_have_url(re.compile("search=c$"))
    page.keyboard.type("ra")
    expect(page.get_by_role("searchbox")).to_have_value("cra")
