"""The tab Subtasks on a run of two steps, on more runners than the timeline has lanes, and on a long result."""

from __future__ import annotations

import re
from functools import partial

import pytest
from playwright.sync_api import expect

from airflow_mcp_provider.client.models import RunState, StepProgress, SubtaskState
from tests.integration.pages.documents import ago
from tests.integration.pages.runs import PATH, PlayedRun, open_tab, subtask

RUNNING, WAITING = SubtaskState.RUNNING, SubtaskState.WAITING


@pytest.fixture
def opened(page, ui):
    return partial(open_tab, page, ui)


def column(tab, name):
    expect(tab.get_by_role("columnheader", name=name, exact=True)).to_be_visible()
    heads = tab.get_by_role("treegrid").get_by_role("columnheader").all_inner_texts()
    place = heads.index(name) + 1
    return tab.get_by_test_id("rows").locator(f"[data-kind=subtask] > [role=gridcell]:nth-child({place})")


def test_steps_have_a_column_and_a_filter(opened, ui):
    shown = [
        subtask("a", children=1, step="search"),
        subtask("a", WAITING, parent="a", step="write"),
        subtask("b", RUNNING, step="search"),
    ]
    run = PlayedRun(shown)
    steps = [_counts("search", succeeded=1, running=1), _counts("write", waiting=1)]
    run.fields["progress"] = run.progress().model_copy(update={"steps": steps})
    tab = opened(run)
    expect(column(tab, "Step")).to_have_text(["search", "search"])
    steps = tab.get_by_role("combobox", name="Step")
    expect(steps.locator("option")).to_have_text(["All steps", "search (2)", "write (1)"])
    steps.select_option("write")
    expect(column(tab, "Step")).to_have_text(["write"])
    expect(column(tab, "Key")).to_have_text(["a"])
    expect(tab.get_by_role("combobox", name="State").locator("option").nth(1)).to_have_text("waiting (1)")
    assert ui.asked_for("GET", f"{PATH}/subtasks")[-1].query["step"] == ["write"]


def _counts(step, **numbers):
    none = dict.fromkeys(("waiting", "running", "succeeded", "failed", "skipped"), 0)
    return StepProgress(step=step, known=sum(numbers.values()), **{**none, **numbers})


def test_filters_do_not_mount_the_tab_anew_nor_undo_each_other(opened, page):
    tab = opened(PlayedRun([subtask("a"), subtask("b")]))
    expect(column(tab, "Key")).to_have_text(["a", "b"])
    tab.evaluate("(one) => (one.dataset.same = 'yes')")
    tab.get_by_role("combobox", name="State").select_option("succeeded")
    tab.get_by_label("Text in the key").fill("b")
    expect(column(tab, "Key")).to_have_text(["b"])
    expect(page).to_have_url(re.compile("mcp_state=succeeded&mcp_text=b"))
    expect(tab).to_have_attribute("data-same", "yes")
    tab.get_by_label("Text in the key").fill("a")
    tab.get_by_role("combobox", name="State").select_option("failed")
    expect(tab.get_by_text("No subtask fits the filter")).to_be_visible()
    expect(page).to_have_url(re.compile("mcp_state=failed&mcp_text=a"))


def test_a_job_without_steps_has_neither(opened):
    tab = opened(PlayedRun([subtask("a")]))
    expect(column(tab, "State")).to_have_text(["✓succeeded"])
    expect(tab.get_by_role("columnheader", name="Step")).to_be_hidden()
    expect(tab.get_by_role("combobox", name="Step")).to_be_hidden()


def test_more_runners_than_the_timeline_has_lanes(opened):
    tab = opened(PlayedRun([subtask(f"s{number:03}", RUNNING, started=ago(60 + number)) for number in range(250)]))
    tab.get_by_role("tab", name="Runners").click()
    timeline = tab.get_by_test_id("timeline")
    expect(timeline).to_contain_text("150 more are not drawn")
    chart = timeline.get_by_role("img", name=re.compile("^Timeline of runners: 250 running, 0 ended"))
    expect(chart.locator(":scope > *")).to_have_count(100)
    box = chart.bounding_box()
    assert box["height"] <= 500
    for bar in (chart.locator(":scope > *").first, chart.locator("> *").last):
        inner = bar.bounding_box()
        assert box["y"] <= inner["y"]
        assert inner["y"] + inner["height"] <= box["y"] + box["height"] + 1
    rows = tab.get_by_role("table", name="Subtasks that are running").get_by_role("row")
    expect(rows).to_have_count(1 + 250)


def test_long_tables_and_lists_show_more_when_asked(opened):
    result = {
        "pages": [{"url": f"https://example.com/{number}", "ms": number} for number in range(250)],
        "names": [f"name-{number}" for number in range(130)],
    }
    tab = opened(PlayedRun([subtask("a")], {"state": RunState.COMPLETED, "result": result}))
    tab.get_by_role("tab", name="Result").click()
    shown = tab.get_by_test_id("result")
    rows = shown.get_by_role("table", name="pages").get_by_role("row")
    expect(rows).to_have_count(1 + 100)
    shown.get_by_role("button", name="Show 100 more of 150").click()
    expect(rows).to_have_count(1 + 200)
    shown.get_by_role("button", name="Show 50 more of 50").click()
    expect(rows).to_have_count(1 + 250)
    expect(rows.last).to_contain_text("https://example.com/249")
    names = shown.get_by_role("listitem").filter(has_text="name-")
    expect(names).to_have_count(100)
    shown.get_by_role("button", name="Show 30 more of 30").click()
    expect(names).to_have_count(130)
    expect(shown.get_by_role("button")).to_have_count(0)
