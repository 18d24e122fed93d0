"""What an editor shows for a job spec: the real yaml-language-server, with `docs/job.schema.json`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.editor.language_server import LanguageServer

ROOT = Path(__file__).parents[3]
MODELINE = "# yaml-language-server: $schema=job.schema.json\n"
GOOD = "plan: {items: [a]}\nrun: {shell: 'true'}\n"

pytestmark = pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="needs node and npm")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    done = subprocess.run([ROOT / "scripts" / "language-server"], capture_output=True, text=True, check=True)
    root = tmp_path_factory.mktemp("specs")
    shutil.copy(ROOT / "docs" / "job.schema.json", root)
    with LanguageServer(Path(done.stdout.strip()), root) as running:
        yield running


def test_every_template_is_without_a_diagnostic(server):
    for path in sorted((ROOT / "dags" / "jobs").glob("*.yaml")):
        assert server.open(MODELINE + path.read_text()) == [], path


def test_keys_of_the_job_are_completed_with_what_they_need(server):
    server.open(f"{MODELINE}{GOOD}\n")
    found = server.complete(3, 0)
    assert {"params", "report", "subtasks", "retries", "timeouts", "queue", "schedule", "on", "pod"} <= {*found}
    assert not {"plan", "run", "id"} & {*found}
    assert "How often and after which delay" in str(found["retries"]["documentation"])


@pytest.mark.parametrize(
    ("text", "expected", "inserted"),
    [
        ("plan:\n  ", {"python", "command", "shell", "container", "items"}, ("python", "my_pkg.crawl:visit")),
        ("run:\n  ", {"python", "job"}, ("job", "crawl_site")),
        ("retries:\n  ", {"attempts", "delay", "backoff", "never_on"}, ("attempts", "3")),
        ("schedule:\n  ", {"cron", "every", "at", "after", "watch", "timezone", "misfire_grace"}, ("every", "15m")),
        ("schedule:\n  watch:\n    ", {"python", "command", "queue", "every", "timeout"}, ("python", "my_pkg.inbox:")),
        ("on:\n  ", {"failure", "success", "partial", "late"}, None),
        ("on:\n  failure:\n    ", {"notifier", "args"}, ("notifier", "SlackNotifier")),
        ("pod:\n  resources:\n    ", {"requests", "limits"}, None),
        ("steps:\n  - ", {"name", "run", "wait"}, ("name", "search")),
    ],
)
def test_nested_keys_are_completed(server, text, expected, inserted):
    server.open(MODELINE + text)
    lines = (MODELINE + text).split("\n")
    found = server.complete(len(lines) - 1, len(lines[-1]))
    assert expected <= {*found}
    if inserted:
        assert inserted[1] in found[inserted[0]]["insertText"]
    assert not [one for one in found.values() if "null" in one.get("insertText", "")]


def test_values_are_completed(server):
    server.open(f"{MODELINE}{GOOD}control: \nqueue:\n  overlap: \n")
    assert {*server.complete(3, 9)} == {"pod", "local"}
    assert {"queue", "reject", "replace_waiting", "replace_running"} <= {*server.complete(5, 11)}


@pytest.mark.parametrize(
    ("text", "word", "shown"),
    [
        ("retries: {delay: 5s}\n", "delay", ["The delay before the second attempt.", "Default: 1m.", "90s"]),
        ("subtasks:\n  limit: 5\n", "limit", ["The maximum number of subtasks of a run", "Default: 10000."]),
        ("schedule: {cron: '@daily'}\n", "cron", ["A cron expression of five fields", "0 8 \\* \\* mon-fri"]),
        ("timeouts: {hard: 5m}\n", "timeouts", ["The time limits of a subtask and of the run", "hard: 10m"]),
        ("control: pod\n", "control", ["Where plan and report run.", "`local`"]),
    ],
)
def test_a_key_is_explained(server, text, word, shown):
    server.open(MODELINE + GOOD + text)
    lines = (MODELINE + GOOD + text).split("\n")
    line = next(number for number, one in enumerate(lines) if word in one and number)
    found = server.hover(line, lines[line].index(word) + 1)
    assert [one for one in shown if one.replace("\\*", "*") not in found.replace("\\*", "*")] == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (f"{GOOD}retires: {{}}\n", 3, "Property retires is not allowed."),
        (f"{GOOD}subtasks: {{limit: many}}\n", 3, 'Incorrect type. Expected "integer".'),
        (f"{GOOD}timeouts: {{soft: 1x}}\n", 3, "expected for example 90s, 5m, 1h30m"),
        ("plan: {items: [a]}\nrun: {python: crawl}\n", 2, "expected module.path:function"),
        (f"{GOOD}control: pods\n", 3, "Value is not accepted."),
        (f"{GOOD}schedule: {{crn: '@daily'}}\n", 3, "Property crn is not allowed."),
        (f"{GOOD}on: {{failure: {{}}}}\n", 3, 'Missing property "notifier".'),
    ],
)
def test_an_error_is_shown_at_its_line(server, text, line, message):
    found = server.open(MODELINE + text)
    assert [one["range"]["start"]["line"] for one in found] == [line]
    assert message in found[0]["message"]


def test_a_spec_without_plan_is_an_error(server):
    (found,) = server.open(f"{MODELINE}run: {{shell: 'true'}}\n")
    assert found["message"] == 'Missing property "plan".'
