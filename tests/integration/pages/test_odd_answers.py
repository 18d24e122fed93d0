"""Answers that come late, or that have names and numbers that no page expects."""

import threading

from playwright.sync_api import expect

from airflow_mcp_provider.client.models import RunState, SubtaskState
from tests.integration.pages.canned import problem
from tests.integration.pages.documents import job, paged
from tests.integration.pages.runs import PATH, TAB, PlayedRun, subtask
from tests.integration.pages.waiting import until
from tests.sizes import patient

DOWN = "(frame) => { frame.scrollTop = frame.scrollHeight; }"
UP = "(frame) => { frame.scrollTop -= 400; }"


def opened(page, ui, run):
    run.serve(ui)
    page.goto(f"{ui.url}{TAB}")
    tab = page.get_by_test_id("mcp-run")
    tab.wait_for()
    return tab


def test_a_scroll_asks_once_for_the_rows_that_come_into_sight(ui, page):
    """However often it moves while the server is slow: a server that is slow would get slower."""
    answer, go = paged([job(f"job_{number:04}") for number in range(150)]), threading.Event()

    def slow(request):
        if request.query.get("cursor"):
            go.wait(patient(60))
        return answer(request)

    ui.get("jobs", slow)
    page.goto(f"{ui.url}/plugin/mcp-jobs")
    table = page.get_by_role("table", name="Jobs")
    expect(table.get_by_role("row").nth(1)).to_be_visible()
    for _ in range(8):
        table.evaluate(DOWN)
        page.wait_for_timeout(100)
        table.evaluate(UP)
        page.wait_for_timeout(100)

    def asked():
        return [one.query["cursor"] for one in ui.asked if one.query.get("cursor")]

    until(page, asked)
    assert asked() == [["job_0049"]]
    go.set()
    expect(table.get_by_text("What job_0050 does.")).to_be_attached()


def test_names_and_numbers_that_javascript_does_not_expect(ui, page):
    rows = [{"id": 12345678901234567890, "constructor": "x", "__proto__": 1}, {"toString": "y"}]
    tab = opened(page, ui, PlayedRun([], {"state": RunState.COMPLETED, "result": rows}))
    tab.get_by_role("tab", name="Result").click()
    cells = tab.get_by_role("table", name="Result").get_by_role("cell")
    expect(cells).to_have_text(["12345678901234567890", "x", "1", "", "", "", "", "y"])


def test_a_subtask_whose_key_a_path_cannot_have(ui, page):
    tab = opened(page, ui, PlayedRun([subtask(key) for key in (".", "..", "a/../b", "?#&=+%2F é")]))
    for one in (".", "..", "a/../b", "?#&=+%2F é"):
        tab.locator("[data-kind=subtask]").filter(has=page.get_by_title(one, exact=True)).click()
        expect(tab.get_by_test_id("details").get_by_text("step run")).to_be_visible()
        expect(tab.get_by_test_id("details").get_by_role("heading", level=2)).to_have_text(one)


def test_the_tree_comes_back_with_the_server(ui, page):
    run = PlayedRun([subtask("a")])
    tab = opened(page, ui, run)
    expect(tab.get_by_title("a", exact=True)).to_be_visible()
    ui.get(f"{PATH}/subtasks", problem(503, "unavailable", "the database is busy"))
    tab.get_by_label("State", exact=True).select_option("succeeded")
    expect(tab.get_by_text("Not loaded: the database is busy")).to_be_visible()
    run.serve(ui)
    expect(tab.get_by_title("a", exact=True)).to_be_visible()


def test_keys_that_look_the_same_do_not(ui, page):
    tab = opened(page, ui, PlayedRun([subtask(key) for key in ("zero", "\u200bzero", "\u202egnp.exe")]))
    cells = tab.locator("[data-kind=subtask] > :first-child")
    expect(cells).to_have_text(["zero", "\\u200bzero", "\\u202egnp.exe"])
    cells.last.click()
    expect(tab.get_by_test_id("details").get_by_role("heading", level=2)).to_have_text("\\u202egnp.exe")


def test_bars_keep_their_colors_where_the_reader_forces_others(ui, page):
    page.emulate_media(forced_colors="active")
    tab = opened(page, ui, PlayedRun([subtask("a"), subtask("b", SubtaskState.FAILED)]))
    parts = tab.get_by_role("progressbar").locator("> div")
    colors = parts.evaluate_all("(all) => all.map((one) => getComputedStyle(one).backgroundColor)")
    assert len({*colors, page.evaluate("getComputedStyle(document.body).backgroundColor")}) == 3
