"""The watch of a job in the tables of a shell."""

from datetime import UTC, datetime

from airflow_mcp_provider.client.models import JobSummary, WatchState
from airflow_mcp_provider.console import tables

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def job(watch, *, paused=False):
    nothing = {
        "description": None,
        "tags": [],
        "queued": 0,
        "holder": None,
        "next_run": None,
        "error": None,
        "last": [],
    }
    return JobSummary(job="inbox", paused=paused, watch=watch, **nothing)


def watch(**more):
    fields = {"last_check": NOON, "last_success": NOON, "pending": False, "error": None, "failures": 0, "problem": None}
    return WatchState(**{**fields, **more})


def test_a_watch_that_fails_is_seen_in_the_list():
    assert tables._now(job(watch())).plain == ""
    assert tables._now(job(None)).plain == ""
    assert tables._now(job(watch(error="x", failures=1))).plain == "watch fails"
    assert tables._now(job(watch(problem="no triggerer is running"))).plain == "watch fails"
    assert tables._now(job(watch(error="x", failures=1), paused=True)).plain == "paused"


def test_the_status_has_the_reason():
    assert tables._watch(None) == ""
    assert tables._watch(watch(pending=True)).endswith("; has work")
    shown = tables._watch(watch(error="no such\x1b[2Jfolder", failures=3, problem="no triggerer is running"))
    assert shown.startswith("no triggerer is running; last check ")
    assert "failed 3 times: no such" in shown
    assert "\x1b" not in shown
