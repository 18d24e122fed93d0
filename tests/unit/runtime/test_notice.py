"""The texts of notifications: data in them never becomes syntax."""

import html
import re

import pytest

from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.answer_types import FailedSubtask
from airflow_mcp_provider.runtime.notice import ERRORS, Notice, SubtaskCounts, run_url

HOSTILE = (
    "<!channel> <https://evil.example|click>",
    "**bold** _it_ `code` ~~no~~",
    "![x](https://evil.example/x.png) www.evil.example",
    "<b>bold</b><script>alert(1)</script>",
    "{{ mcp.job }} {% for x in y %}",
    "a\n\n# heading\r\nSubject: other\x00\x1b[31m",
    "@everyone & <@U123>",
    "| a | b |\n|---|---|",
    "\u202e\u2028 right to left",
    "x" * 10_000,
)


def notice(text="", **more):
    errors = [FailedSubtask(text or "k", "ValueError", text)] * 5
    fields = {"event": "failure", "job": "crawl", "run": "r 1", "state": "failed", "url": "https://x/dags/crawl/runs/r"}
    return Notice(**{**fields, "reason": text, "errors": errors, "counts": SubtaskCounts(9, 4, 5, 0), **more})


def test_the_message():
    one = notice("3 of 40 subtasks failed", errors=[FailedSubtask("a/b", "ValueError", "no such page")])
    assert one.message.splitlines() == [
        "Job crawl failed: 3 of 40 subtasks failed",
        "Run: r 1",
        "Subtasks: 9 known, 4 succeeded, 5 failed, 0 not started",
        "- a/b: ValueError: no such page",
        "https://x/dags/crawl/runs/r",
    ]
    assert one.subject == "crawl failed (r 1)"
    assert one.html.count("<li>") == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_data_is_never_syntax(text):
    one = notice(text, job=text, run=text)
    assert not set("<>&") & set(one.message)
    for line in one.message.splitlines():
        outside = re.sub(r"`[^`]*`", "", line)
        assert not set("*`[]~|@\\") & set(outside), "only as code"
        assert line.isprintable()
    assert len(one.message.splitlines()) == 4 + ERRORS
    assert one.subject.isprintable()
    tags = set(re.findall(r"<[^>]*>", one.html))
    own = {"<p>", "</p>", "<b>", "</b>", "<ul>", "</ul>", "<li>", "</li>", "<code>", "</code>", "</a>"}
    assert {tag for tag in tags - own if not tag.startswith('<a href="https://x/')} == set()


def test_a_run_without_counts_and_errors():
    one = notice(counts=None, errors=[])
    assert one.message.splitlines() == ["Job crawl failed", "Run: r 1", "https://x/dags/crawl/runs/r"]
    assert one.values()["counts"] is None


def test_known_secrets_are_masked_in_each_value(monkeypatch):
    monkeypatch.setattr(redaction, "_known", lambda: ("hunter22",))
    values = notice("password hunter22 was refused").values()
    assert "hunter22" not in str(values)
    assert "password *** was refused" in html.unescape(values["html"])
    assert values["reason"] == "password *** was refused"


def test_the_address_of_a_run():
    url = run_url("https://air.example/", "crawl", 'a b"<x>/../?#')
    assert url == "https://air.example/dags/crawl/runs/a%20b%22%3Cx%3E%2F..%2F%3F%23"
