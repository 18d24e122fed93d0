"""Texts and tables."""

import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from rich.console import Console

from airflow_mcp_provider.client import LogLine
from airflow_mcp_provider.client.models import Job, JobSummary, Progress, RunState, RunSummary, Subtask
from airflow_mcp_provider.console import exit_codes, follow, main, tables, text
from airflow_mcp_provider.console.follow import line
from airflow_mcp_provider.console.logs import line as log_line
from airflow_mcp_provider.console.tree import drawn
from tests.unit.client.documents import run


def printed(table):
    console = Console(width=120, record=True, file=None, quiet=True)
    with console.capture() as seen:
        console.quiet = False
        console.print(table)
    return seen.get()


def test_durations_and_places():
    assert [text.length(value) for value in (5, 65, 3700, 90000)] == ["5s", "1m 05s", "1h 01m", "1d 01h"]
    assert [text.ordinal(value) for value in (1, 2, 3, 4, 11, 12, 21, 111)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "21st",
        "111th",
    ]


def test_what_a_server_sends_cannot_change_the_terminal():
    assert text.clean("a\x1b[31mb\nc") == "a\\x1b[31mb\\nc"
    assert len(text.clean("x" * 9000)) == 2000
    shown = printed(tables.run(run(note="[red]x[/] \x1b[2J")))
    assert "[red]x[/] \\x1b[2J" in shown


def test_an_error_of_several_lines_is_shown_in_several_lines():
    shown = printed(tables.run(run(error={"code": "failed", "text": "1 failed\nb: exit code 1\x1b[2J"})))
    assert "1 failed" in shown
    assert "\\n" not in shown
    assert shown.splitlines()[-1].strip() == "b: exit code 1\\x1b[2J"


def progress(**more):
    empty = dict.fromkeys(("fraction", "rate", "eta", "message"))
    return Progress(**{"known": 10, "done": 4, "failed": 1, "skipped": 0, "running": 2, **empty, **more})


@pytest.fixture
def at_this_moment():
    """A duration that is shown does not grow with the time that a test takes."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


def test_a_run(at_this_moment):
    started = datetime.now(UTC) - timedelta(seconds=65)
    found = run(progress=progress(message="page 3", rate=2.0), started=started, result={"n": 1})
    shown = printed(tables.run(found))
    assert "10 known: 4 done, 2 running, 1 failed" in shown
    assert "1m 05s" in shown
    assert line(found) == "running, 10 known: 4 done, 2 running, 1 failed, 2.0/s  page 3"
    assert (
        line(run(state="queued", position=3, reason={"code": "behind", "text": "r0 is running"}))
        == "3rd in the queue: r0 is running"
    )


def test_the_steps_of_a_run_that_has_several():
    counts = dict.fromkeys(("waiting", "running", "failed", "skipped"), 0)
    steps = [{"step": name, "known": 3, "succeeded": n, **counts} for name, n in (("search", 3), ("write\x1b", 1))]
    assert "search 3/3, write\\x1b 1/3" in printed(tables.run(run(progress=progress(steps=steps))))
    assert "search" not in printed(tables.run(run(progress=progress(steps=steps[:1]))))


def summary(**more):
    empty = dict.fromkeys(("position", "submitter", "started", "ended"))
    own = {"job": "crawl", "run": "r1", "state": "queued", "done": False, "submitted": "2026-01-01T00:00:00Z"}
    return RunSummary(**{**empty, **own, **more})


def test_runs_have_a_column_for_priorities_and_reasons_where_some_have_one():
    reason = {"code": "failed", "text": "[red]1 failed[/] \x1b[2J"}
    shown = printed(tables.runs([summary(), summary(priority=7), summary(state="error", reason=reason)]))
    assert all(word in shown for word in ("priority", "7", "reason", "[red]1 failed[/] \\x1b[2J"))
    plain = printed(tables.runs([summary()]))
    assert ("priority" in plain, "reason" in plain) == (False, False)


def test_a_job_has_its_next_dates():
    empty = dict.fromkeys(("description", "holder", "schedule", "error"))
    own = {"job": "crawl", "tags": [], "paused": False, "queued": 0, "last": [], "queue": [], "params": {}, "spec": {}}
    dates = [f"2999-01-1{day}T12:00:00Z" for day in (1, 2)]
    job = Job(**empty, **own, next_run=dates[0], upcoming=dates)
    assert printed(tables.job(job)).count("2999-01-1") == 2
    older = job.model_copy(update={"upcoming": []})
    assert "next runs" in printed(tables.job(older)), "a server of an earlier version"


def subtask(key, parent=None, *, step="run", state="succeeded", **more):
    empty = dict.fromkeys(("started", "ended", "fraction", "message", "result", "error"))
    own = {
        "key": key,
        "step": step,
        "state": state,
        "parent": parent,
        "depth": 0,
        "attempt": 1,
        "attempts": [],
        "payload": {},
    }
    return Subtask(**{**empty, **own, "task": step, "map_index": 0, "log": "/x", **more})


def test_a_tree():
    found = [
        subtask("a"),
        subtask("a/b", "a", state="failed", attempt=3, error={"code": "ValueError", "text": "no"}),
        subtask("a/b/c", "a/b", message="reading"),
        subtask("own", "own"),
        subtask("lost", "elsewhere", state="running"),
        subtask("a", step="write", state="waiting"),
    ]
    assert printed(drawn("r1", found)).splitlines() == [
        "r1",
        "├── ✔ run ○ write a",
        "│   └── ✘ a/b  attempt 3  ValueError: no",
        "│       └── ✔ a/b/c  reading",
        "├── ✔ own",
        "└── ▶ lost",
    ]


def test_a_line_of_a_log():
    shown = log_line(
        LogLine(
            task="run",
            map_index=0,
            key="a",
            attempt=1,
            timestamp="2026-01-01T00:00:00Z",
            level="error",
            event="one\ntwo \x1b",
        )
    )
    assert shown.endswith("a | ERROR one\ntwo \\x1b")
    assert log_line(LogLine(task="plan", map_index=-1, attempt=1, event={"x": 1})) == 'plan | {"x": 1}'


def test_each_state_has_an_exit_code():
    codes = {state: exit_codes.of_state(state) for state in RunState}
    assert {state: int(code) for state, code in codes.items() if state.done} == {
        "completed": 0,
        "partial": 4,
        "error": 1,
        "timeout": 5,
        "cancelled": 6,
    }
    assert {int(code) for state, code in codes.items() if not state.done} == {10}


def test_a_progress_bar_on_a_terminal():
    import io

    from airflow_mcp_provider.console import follow

    file = io.StringIO()
    terminal = Console(file=file, force_terminal=True, width=120)
    documents = [
        run(state="queued", position=2),
        run(progress=progress()),
        run(state="completed", done=True, progress=progress(done=9, running=0)),
    ]
    assert list(follow._bar(iter(documents), terminal)) == documents
    shown = file.getvalue()
    assert "crawl" in shown
    assert "9 done" in shown


def test_a_live_table_on_a_terminal(monkeypatch, at_this_moment):
    import io
    from argparse import Namespace

    from airflow_mcp_provider.console import watch
    from airflow_mcp_provider.console.screen import Screen

    screen = Screen(Namespace(output="table"), "mcp-jobs", None)
    screen.stdout = Console(file=io.StringIO(), force_terminal=True, width=120)
    last = [
        {
            **dict.fromkeys(("position", "submitter", "started", "ended")),
            "job": "crawl",
            "run": "r",
            "state": state,
            "done": True,
            "submitted": "2026-01-01T00:00:00Z",
        }
        for state in ("completed", "error")
    ]
    found = JobSummary(
        job="crawl",
        description=None,
        tags=[],
        paused=False,
        queued=3,
        holder={"run": "r", "since": datetime.now(UTC) - timedelta(minutes=2), "submitter": None},
        next_run=None,
        error=None,
        last=last,
    )
    watch._show(screen, iter([[found], [found]]))
    assert "running 2m 00s" in screen.stdout.file.getvalue()
    assert "✔✘" in printed(tables.jobs([found]))


def test_a_paused_job_whose_run_goes_on():
    shown = {"job": "crawl", "description": None, "tags": [], "paused": True, "queued": 0, "next_run": None}
    holder = {"run": "r", "since": None, "submitter": None}
    found = JobSummary(**shown, holder=holder, error=None, last=[])
    assert "paused, running" in printed(tables.jobs([found]))


def test_an_error_cannot_change_the_terminal(capsys):
    assert main._failed("a\x1b[2Jb\n\x1b]8;;http://x\x07c", 1) == 1
    assert capsys.readouterr().err == "error: a\\x1b[2Jb\n\\x1b]8;;http://x\\x07c\n"


def test_a_message_is_no_markup():
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    list(
        follow._bar(
            iter([run(progress=progress(message="[/etc/passwd] [link=http://x]y[/link]").model_dump())]), console
        )
    )
    assert "[/etc/passwd]" in console.file.getvalue()
    assert "\x1b]8" not in console.file.getvalue()


def test_the_log_shows_the_error_itself():
    detail = [{"exc_type": "InvalidPayload", "exc_value": "invalid line '1'"}, {"exc_type": "X"}]
    one = LogLine(task="plan", map_index=-1, attempt=1, level="error", event="Task failed", error_detail=detail)
    assert log_line(one) == "plan | ERROR Task failed: InvalidPayload: invalid line '1'"
    assert log_line(one.model_copy(update={"error_detail": "odd"})) == "plan | ERROR Task failed"
