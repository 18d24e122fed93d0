"""The note of a run, which Airflow's UI reads as Markdown: an error of a job in it makes no browser ask anybody."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from airflow_mcp_provider.plugin.db import run_notes
from tests.integration.pages.waiting import until

pytestmark = pytest.mark.usefixtures("own_page")
RUN = "crawl/runs/manual__1"
IMAGE = "![p](http://evil.example/x.png)"
NOTE = f"failed: the report failed: ValueError: {IMAGE}; 1 of 1 subtasks succeeded"


@pytest.fixture
def asked(page):
    found = []

    def answer(route):
        found.append(route.request.url)
        route.abort()

    page.route("http://evil.example/**", answer)
    return found


def open_run(page, ui, note):
    def noted(route):
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "note": note})

    page.route(re.compile(r"/api/v2/dags/crawl/dagRuns/manual__1$"), noted)
    page.goto(f"{ui.url}/dags/{RUN}")
    expect(page.get_by_text("the report failed").first).to_be_visible()


def test_the_note_that_is_kept_is_text(page, ui, asked):
    open_run(page, ui, run_notes.shown(NOTE))
    expect(page.get_by_text(IMAGE).first).to_be_attached()
    page.wait_for_timeout(1000)
    assert asked == []


def test_airflow_would_load_the_image_of_a_note_as_it_is(page, ui, asked):
    open_run(page, ui, NOTE)
    until(page, lambda: asked, "request: run_notes.shown is no longer needed, or this test looks at nothing")
