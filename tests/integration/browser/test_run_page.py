"""The tab Subtasks in front of a real Airflow: a run grows to 300 subtasks, is cancelled; another is retried; refusals."""

import re

import pytest
from playwright.sync_api import expect

from tests.benchmarks import status
from tests.integration.browser.frames import scrolled
from tests.integration.browser.screen_reader import hears, listen
from tests.integration.client.conftest import until
from tests.sizes import patient

JOB, ROOTS, KIDS = "growing", 10, 29
ALL = ROOTS * (1 + KIDS)
GROWTH = [(ROOTS + KIDS, [0]), (ROOTS + 2 * KIDS, [1]), (ROOTS + 3 * KIDS, range(2, ROOTS - 1))]
"""How many subtasks are known, and which roots go on then. The last root waits until it is cancelled."""
WATCH = """() => {
  globalThis.seen = [];
  const look = () => {
    const bar = document.querySelector("[role=progressbar][aria-label^=Subtasks]");
    if (!bar) return;
    const [known, ended] = seen.at(-1) ?? [];
    const { ariaValueMax, ariaValueNow } = bar;
    if (known !== Number(ariaValueMax) || ended !== Number(ariaValueNow)) seen.push([Number(ariaValueMax), Number(ariaValueNow)]);
  };
  new MutationObserver(look).observe(document.body, { attributes: true, childList: true, subtree: true });
  look();
}"""
"""Notes each change of the bar."""


@pytest.fixture
def start(airflow, tmp_path):
    """Start a run; what is left of it is cancelled."""
    started = []

    def trigger(**conf):
        started.append(airflow.api.trigger(JOB, {"file": str(tmp_path / "go"), **conf}))
        return started[-1]

    yield trigger
    for run in started:
        airflow.api.cancel(JOB, run)


def opened(page, airflow, run, job=JOB):
    page.goto(f"{airflow.url}/dags/{job}/runs/{run}/plugin/mcp-run")
    return page.get_by_test_id("mcp-run")


def row(tab, key, **more):
    return (
        tab.get_by_test_id("rows").get_by_role("row", **more).filter(has=tab.page.get_by_title(key, exact=True)).first
    )


def press(tab, name, action):
    """Press a button, and the one of its dialog. Returns the dialog."""
    tab.get_by_role("button", name=name).click()
    dialog = tab.page.get_by_role("alertdialog")
    dialog.get_by_role("button", name=action).click()
    return dialog


def test_a_run_grows_to_300_subtasks_and_is_cancelled(ui, viewers_ui, airflow, start, tmp_path):
    run = start(gates=str(tmp_path))
    asked = []
    ui.on("request", lambda request: asked.append(request.url))
    tab = opened(ui, airflow, run)
    whole = tab.get_by_test_id("whole")
    expect(row(tab, "root-00")).to_contain_text("(29)")
    expect(row(tab, "root-03")).to_be_visible()
    ui.evaluate(WATCH)
    assert not [url for url in asked if "parent=root" in url]
    row(tab, "root-00").locator("[data-arrow]").click()
    expect(row(tab, "root-00/kid-03")).to_have_attribute("aria-level", "2")
    assert {*re.findall(r"parent=(root[^&]*)", " ".join(asked))} == {"root-00"}
    for known, roots in GROWTH:
        expect(whole).to_contain_text(f" of {known} ")
        for root in roots:
            (tmp_path / f"root-{root:02}").touch()
    expect(whole).to_contain_text(f" of {ALL} ")
    expect(whole).to_contain_text(re.compile(r"[\d.]+ per (second|minute)"))
    expect(whole).to_contain_text("running subtasks may enqueue more")
    until((tmp_path / "begun root-09 kid-00").exists, "begin of what waits for the last root")

    viewers_tab = opened(viewers_ui, airflow, run)
    expect(row(viewers_tab, "root-03")).to_be_visible()
    expect(press(viewers_tab, "Cancel…", "Cancel the run").get_by_role("alert")).to_contain_text(
        "You are not allowed to do this"
    )

    tab.get_by_role("button", name="Cancel…").click()
    dialog = ui.get_by_role("alertdialog")
    dialog.get_by_label("Reason").fill("seen enough")
    dialog.get_by_label("Grace").fill("0")
    listen(ui)
    dialog.get_by_role("button", name="Cancel the run").click()
    hears(ui, re.compile(f"^Run {re.escape(run)} is cancel"))
    expect(tab.get_by_test_id("why")).to_contain_text("seen enough")
    ui.wait_for_function("([known, ended]) => seen.at(-1)[0] === known && seen.at(-1)[1] === ended", arg=[ALL, ALL])
    known, ended = zip(*ui.evaluate("seen"), strict=True)
    assert list(known) == sorted(known), known
    assert {*(number for number, _ in GROWTH), ALL} <= {*known}, known
    assert list(ended) == sorted(ended), ended
    _filtered(tab)


def _filtered(tab):
    cells = tab.get_by_test_id("rows").get_by_role("gridcell")
    tab.get_by_role("combobox", name="State").select_option("skipped")  # its runner had not come to them
    tab.get_by_label("Text in the key").fill("root-09/kid-2")
    expect(row(tab, "root-09/kid-20")).to_contain_text("in root-09")
    tab.get_by_role("combobox", name="State").select_option("succeeded")
    expect(tab.get_by_text("No subtask fits the filter")).to_be_visible()
    tab.get_by_label("Text in the key").fill("root-00")
    tab.get_by_role("combobox", name="Step").select_option("keep")
    expect(cells.filter(has_text=re.compile("^keep$")).first).to_be_visible()
    expect(cells.filter(has_text=re.compile("^look$"))).to_have_count(0)
    tab.get_by_role("button", name="Show the tree").click()
    expect(row(tab, "root-00/kid-03")).to_be_visible()


def test_failed_subtasks_are_retried_once_and_by_who_may(ui, viewers_ui, airflow, start, tmp_path):
    gates = [tmp_path / "root-00", tmp_path / "root-01"]
    for gate in gates:
        gate.touch()
    run = start(roots=2, kids=9, gates=str(tmp_path))
    tab = opened(ui, airflow, run)
    retry = tab.get_by_role("button", name="Retry failed…")
    expect(retry).to_be_visible()
    expect(tab).to_contain_text("partial success")
    tab.get_by_role("button", name="Show the 2 failed").click()
    row(tab, "root-01/kid-07").click()
    details = ui.get_by_test_id("details")
    expect(details.get_by_role("table", name="Attempts")).to_contain_text("LookupError")
    expect(press(opened(viewers_ui, airflow, run), "Retry failed…", "Retry").get_by_role("alert")).to_contain_text(
        "You are not allowed to do this"
    )
    # A page of the ended run asks for nothing more: it does not know that another one has retried.
    with ui.context.new_page() as other:
        old = opened(other, airflow, run)
        old.get_by_role("button", name="Retry failed…").wait_for()
        for gate in gates:
            gate.unlink()  # the retried subtasks wait, so that the run has not ended for the other page
        (tmp_path / "go").touch()
        listen(ui)
        press(tab, "Retry failed…", "Retry")
        hears(ui, "2 subtasks will run again")
        refused = press(old, "Retry failed…", "Retry").get_by_role("alert")
        expect(refused).to_contain_text(f"run {run} of job {JOB} has not ended")
        for gate in gates:
            gate.touch()
    expect(retry).to_be_hidden()
    expect(tab.get_by_test_id("whole")).to_contain_text("20 of 20 (100%) ended")
    expect(tab).to_contain_text("completed")
    expect(details).to_contain_text("succeeded")
    tab.get_by_role("button", name="Show the tree").click()
    expect(row(tab, "root-01")).to_be_visible()
    _in_dark_mode(ui)
    tab.get_by_role("tab", name="Result").click()
    expect(tab.get_by_test_id("result")).to_contain_text("roots")


def _in_dark_mode(ui):
    """Airflow follows the system's setting, and the page Airflow's."""
    light = ui.evaluate(COLORS)
    ui.emulate_media(color_scheme="dark")
    expect(ui.locator("html")).to_have_class("dark")
    dark = ui.evaluate(COLORS)
    assert (light["title"], dark["title"]) == (light["airflow"], dark["airflow"])
    assert all(light[name] != dark[name] for name in light), (light, dark)


def test_a_user_who_may_not_read_the_dag_is_told_so(strangers_ui, airflow, start):
    strangers_ui.goto(f"{airflow.url}/dags/{JOB}/runs/{start(roots=0)}/plugin/mcp-run")
    refused = strangers_ui.get_by_role("alert").filter(has_text="You are not allowed to see this")
    expect(refused).to_contain_text("Ask an administrator")
    expect(strangers_ui.get_by_test_id("mcp-run")).to_be_hidden()


@pytest.fixture
def many(airflow):
    """A run with 10,000 subtasks of a paused job: its rows are written by SQL, nothing of it works."""
    airflow.api.wait_for_dag("strict", patient(120))
    airflow.api.patch("/dags/strict", {"is_paused": True})
    run = status.of_many(airflow, 10_000, "strict")
    yield run
    airflow.sql("UPDATE dag_run SET state = 'failed', end_date = now() WHERE run_id = %s", run)
    airflow.api.patch("/dags/strict", {"is_paused": False})


def test_ten_thousand_subtasks_are_scrolled(ui, airflow, many):
    tab = opened(ui, airflow, many, "strict")
    expect(tab.get_by_test_id("whole")).to_contain_text("of 10000 ")
    tab.get_by_label("Text in the key").fill("page/")
    expect(row(tab, "https://example.org/page/3")).to_be_visible()
    assert scrolled(ui, 20_000)["rows"] < 120
    rows = tab.get_by_test_id("rows")
    tab.get_by_role("combobox", name="State").select_option("failed")
    expect(row(tab, "https://example.org/page/57")).to_contain_text("failed")
    ui.wait_for_function(TO_THE_END, arg="https://example.org/page/9957", polling=200)
    expect(row(tab, "https://example.org/page/9957")).to_be_visible()
    assert rows.locator("[data-kind]").count() < 120


TO_THE_END = """(key) => {
  const rows = document.querySelector("[data-testid=rows]");
  rows.scrollTop = rows.scrollHeight;
  return Boolean(rows.querySelector(`[title="${key}"]`));
}"""
COLORS = """() => {
  const color = (part) => getComputedStyle(document.querySelector(part)).color;
  return {
    airflow: color("body"),
    title: color("[data-testid=mcp-run] h1"),
    cell: color("[data-testid=rows] [role=gridcell]:nth-child(4)"),
    link: color("[data-testid=rows] a"),
  };
}"""
