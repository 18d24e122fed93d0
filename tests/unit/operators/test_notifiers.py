"""Notifiers in processes of their own: real classes of Airflow's, and those that misbehave."""

import json
import os
import time
from pathlib import Path

import pytest
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import BaseNotifier

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.operators import notifiers
from airflow_mcp_provider.runtime.notice import Notice
from tests.sizes import patient
from tests.unit.operators.test_supervisor_relay import supervisor  # noqa: F401 - a fixture

HERE = __name__
NOTICE = Notice(event="failure", job="crawl", run="r", state="failed", url="https://x", reason="{{ 7 * 7 }} <b>")


class ToFile(BaseNotifier):
    template_fields = ("text", "json")

    def __init__(self, path, text=None, json=None, title=None, data=None):
        super().__init__()
        self.path, self.text, self.json, self.title, self.data = path, text, json, title, data

    def notify(self, context):
        found = {"text": self.text, "json": self.json, "title": self.title, "job": context["mcp"]["job"]}
        Path(self.path).write_text(json.dumps(found))


class Later(ToFile):
    notify = BaseNotifier.notify

    async def async_notify(self, context):
        ToFile.notify(self, context)


class Raises(BaseNotifier):
    def notify(self, _):
        raise RuntimeError("no such channel")


class Exits(BaseNotifier):
    def notify(self, _):
        os._exit(0)


class Hangs(BaseNotifier):
    def notify(self, _):
        time.sleep(600)


class Broken(BaseNotifier):
    def __init__(self, needed):
        super().__init__(needed)


@pytest.fixture(autouse=True)
def comms(supervisor):  # noqa: F811 - the fixture
    return supervisor


def ref(kind):
    return f"{HERE}:{kind.__name__}"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """The child process imports this module by its name."""
    import sys

    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


@pytest.mark.parametrize("kind", [ToFile, Later])
def test_the_message_is_data_for_the_templates_of_a_notifier(tmp_path, kind):
    path = tmp_path / "note"
    args = {"path": str(path), "json": {"a": ["{{ mcp.reason }}", "{{ run_id }}"]}}
    assert notifiers.send(NOTICE, [{"notifier": ref(kind), "args": args}], {"run_id": "r"}) == []
    found = json.loads(path.read_text())
    assert found == {
        "text": NOTICE.message,
        "json": {"a": ["{{ 7 * 7 }} <b>", "r"]},
        "title": NOTICE.subject,
        "job": "crawl",
    }
    assert "49" not in found["text"]


def test_each_failure_stays_alone(tmp_path, monkeypatch):
    limit = patient(5)  # for a slow machine: the others should not reach it
    monkeypatch.setattr(notifiers, "SECONDS", limit)
    path = tmp_path / "note"
    wanted = [{"notifier": ref(kind), "args": {}} for kind in (Raises, Exits, Hangs, Broken)]
    wanted += [{"notifier": "no_such_package:X"}, {"notifier": "json:loads"}, {"notifier": ref(ToFile)}]
    failed = notifiers.send(NOTICE, [*wanted, {"notifier": ref(ToFile), "args": {"path": str(path)}}], {})
    assert [reason.partition(": ")[0] for reason in failed] == [one["notifier"] for one in wanted]
    reasons = [reason.partition(": ")[2] for reason in failed]
    assert reasons[0] == "RuntimeError: no such channel"
    assert reasons[1] == "WorkDied: the process ended with exit code 0 before the function returned"
    assert reasons[2] == f"it did not end within {limit:g} s and was killed"
    assert "missing 1 required positional argument: 'needed'" in reasons[3]
    assert "no module named 'no_such_package'; install it in the runner" in reasons[4]
    assert "json:loads is not a notifier; expected a subclass of airflow.sdk.BaseNotifier" in reasons[5]
    assert "missing 1 required positional argument: 'path'" in reasons[6]
    assert json.loads(path.read_text())["job"] == "crawl"


def test_arguments_that_are_not_set():
    values = NOTICE.values()
    smtp = notifiers.arguments(SmtpNotifier, {"to": "a@example.com"}, values)
    assert smtp == {"to": "a@example.com", "subject": "{{ mcp.subject }}", "html_content": "{{ mcp.html }}"}
    own = {"to": "a@example.com", "subject": "x", "template": "mail.html"}
    assert notifiers.arguments(SmtpNotifier, own, values) == own
    assert notifiers.arguments(ToFile, {"path": "x"}, values)["json"]["text"] == "{{ mcp.message }}"
    assert "json" not in notifiers.arguments(ToFile, {"path": "x", "data": "y"}, values)
    assert notifiers.arguments(Raises, {}, values) == {}


def test_an_error_at_the_import_says_what_is_missing():
    with pytest.raises(SpecError, match="has no attribute 'Missing'"):
        notifiers.notifier_class(f"{HERE}:Missing")
