"""The tab Job with texts that attack, and with as much as a job may have."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from airflow_mcp_provider.client.models import Why
from tests.integration.pages import job_documents as canned
from tests.integration.pages.test_job_tab import TAB, opened, rows
from tests.integration.pages.waiting import polls

HTML = "<img src=x onerror='window.attacked=1'><script>window.attacked=1</script>![p](http://example.com/p.png)"
RTL = "\u202e\u05e9\u05dc\u05dd\u202c"  # Hebrew, in a control character that reverses what follows
EMOJI = "👩‍👩‍👧‍👦" * 40
LONG = "x" * 10_000
HOSTILE = f"{HTML} {RTL} {EMOJI} {LONG}"
SEEN = f"{HTML} {RTL}"


def hostile():
    named = {
        "queue": canned.waiting(
            f"manual__{HTML}"[:250], f"b{RTL}", submitter=HOSTILE, reason=Why(code="odd", text=HOSTILE)
        )
    }
    params = {
        "properties": {
            HTML: {"type": "string", "title": HOSTILE, "description": HOSTILE, "default": HOSTILE, "pattern": HOSTILE},
            "__proto__": {"type": HOSTILE, "enum": [HOSTILE] * 3, "constructor": HOSTILE},
            "odd": None,
            "toString": True,
        },
        "required": ["odd"],
    }
    texts = {
        "description": HOSTILE,
        "error": HOSTILE,
        "schedule_description": HOSTILE,
        "schedule": HTML,
        "spec_text": HOSTILE,
    }
    return canned.job(**named, **texts, params=params)


def test_texts_of_people_are_texts(page, ui):
    outside = []
    page.on("request", lambda request: outside.append(request.url) if not request.url.startswith(ui.url) else None)
    history = [
        one.model_copy(update={"reason": Why(code="odd", text=HOSTILE), "submitter": HOSTILE})
        for one in canned.ended(3)
    ]
    canned.serve(ui, hostile(), history)
    tab = opened(page, ui)
    tab.get_by_text("Ended runs as a table").click()
    expect(rows(tab, "history")).to_have_count(3)
    text = tab.inner_text()
    assert text.count(HTML) >= 10
    assert tab.locator("img, script").count() == 0
    assert page.evaluate("window.attacked") is None
    assert [url for url in outside if "example.com" in url] == []
    assert len(text) < 10 * len(HOSTILE), "long texts are cut"


def test_a_long_text_is_shown_whole_when_asked_for(page, ui):
    canned.serve(ui, hostile())
    tab = opened(page, ui)
    button = tab.get_by_role("button", name=re.compile(r"Show all [\d,]+ characters")).first
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    expect(tab.get_by_text(HOSTILE).first).to_be_visible()
    tab.get_by_role("button", name="Show less").click()
    expect(tab.get_by_role("button", name="Show less")).to_have_count(0)


def test_nothing_is_wider_than_the_page(page, ui):
    canned.serve(ui, hostile())
    tab = opened(page, ui)
    wide = tab.evaluate("node => [node.scrollWidth, node.clientWidth]")
    assert wide[0] <= wide[1] + 1


def large():
    names = [f"manual__{number:03}__2026-01-01T00:00:00+00:00" for number in range(100)]
    properties = {
        f"param_{number:03}": {"type": "string", "default": "x", "description": f"Text {number}."}
        for number in range(200)
    }
    spec = "\n".join(f"key_{number}: {'value ' * 8}" for number in range(500))
    shown = canned.job(queue=canned.waiting(*names), queued=250, params={"properties": properties}, spec_text=spec)
    return shown, names


def test_a_hundred_runs_two_hundred_params_and_a_long_spec(page, ui):
    shown, names = large()
    canned.serve(ui, shown, canned.ended(40))
    tab = opened(page, ui)
    expect(tab.get_by_text("The first 100 of 250 waiting runs.")).to_be_visible()
    expect(rows(tab, "queue")).to_have_count(100)
    expect(rows(tab, "params")).to_have_count(200)
    assert tab.get_by_test_id("spec").inner_text() == shown.spec_text
    tab.get_by_role("searchbox", name="Search params").fill("TEXT 19")
    expect(rows(tab, "params")).to_have_count(11)
    expect(tab.get_by_text("11 of 200 params")).to_be_visible()
    tab.get_by_role("button", name=f"Priority… {names[99]}").click()
    expect(page.get_by_role("alertdialog").get_by_label("Priority")).to_have_value("8")


def test_a_poll_without_news_renders_no_row_again(page, ui):
    """The nodes stay, so a selection and the focus stay, too."""
    shown, names = large()
    canned.serve(ui, shown, canned.ended(40))
    tab = opened(page, ui)
    changes = """(node) => {
        window.changes = [];
        const seen = (found) => window.changes.push(...found.map((one) => one.target.parentElement?.tagName));
        new MutationObserver(seen).observe(node, {subtree: true, childList: true, attributes: true});
    }"""
    tab.evaluate(changes)
    tab.get_by_role("button", name=f"Priority… {names[3]}").focus()
    polls(page, ui, canned.PATH, 3)
    assert page.evaluate("window.changes") == []
    expect(tab.get_by_role("button", name=f"Priority… {names[3]}")).to_be_focused()


LIGHTNESS = """(node) => {
    const context = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
    const light = (color) => {
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
        return red + green + blue;
    };
    let back = node;
    while (back.parentElement && getComputedStyle(back).backgroundColor === "rgba(0, 0, 0, 0)") back = back.parentElement;
    return [light(getComputedStyle(back).backgroundColor), light(getComputedStyle(node).color)];
}"""
"""The sum of red, green and blue of the page's background and of its letters."""


def test_dark_mode_and_a_narrow_window(page, ui, pictures):
    canned.serve(ui)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 700, "height": 900})
    tab = opened(page, ui)
    expect(rows(tab, "queue")).to_have_count(3)
    back, front = tab.evaluate(LIGHTNESS)
    assert front > back + 400, "light letters on a dark page"
    wide = tab.evaluate("node => [node.scrollWidth, node.clientWidth]")
    assert wide[0] <= wide[1] + 1
    pictures(page, "dark")
    assert TAB in page.url
