"""``on`` of a spec in its DAG."""

import json

import msgspec
import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from airflow_mcp_provider.constants import MARKER_KEY
from airflow_mcp_provider.factory import build_dag, notifications
from airflow_mcp_provider.runtime.notice import Notice
from airflow_mcp_provider.spec import parse_job
from airflow_mcp_provider.spec.marker import Marker

BASE = "plan: {items: [1]}\nrun: {shell: x}\n"
ON = """
on:
  failure: {notifier: "a.b:C", args: {channel: "#ops", text: "{{ mcp.job }}"}}
  success: [{notifier: "a.b:D"}, {notifier: "a.b:E"}]
  late: [{after: 1h, notifier: "a.b:F"}, {after: 90s, notifier: "a.b:G"}, {after: 1h, notifier: "a.b:H"}]
"""


def dag(more: str) -> DAG:
    return build_dag(parse_job(BASE + more, id="crawl"))


def test_the_report_has_the_notifiers_of_each_event():
    on = dag(ON).get_task("report").on
    assert {event: [one["notifier"] for one in several] for event, several in on.items()} == {
        "failure": ["a.b:C"],
        "success": ["a.b:D", "a.b:E"],
        "partial": ["a.b:D", "a.b:E"],
    }
    assert on["failure"][0]["args"] == {"channel": "#ops", "text": "{{ mcp.job }}"}
    own = dag('on: {success: {notifier: "a:B"}, partial: {notifier: "a:C"}}').get_task("report").on
    assert own["partial"] == [{"notifier": "a:C", "args": {}}]
    assert dag("").get_task("report").on == {}


def test_airflow_itself_requests_no_callback():
    made = dag(ON)
    assert made.on_failure_callback is not None
    assert not made.has_on_failure_callback
    assert "has_on_failure_callback" not in json.dumps(DagSerialization.to_dict(made))
    assert dag('on: {success: {notifier: "a:B"}}').on_failure_callback is None


def test_the_marker_has_what_the_scheduler_needs():
    rules = Marker.read(dag(ON).default_args[MARKER_KEY]).notify
    assert rules.failure
    assert [limit.total_seconds() for limit in rules.late] == [90, 3600]
    assert not Marker.read(dag("").default_args[MARKER_KEY]).notify.failure


@pytest.mark.parametrize("wrong", [{"failure": 1}, {"late": 5}, {"late": [0]}, {"late": [True]}, {"late": ["1h"]}])
def test_a_damaged_marker_is_refused(wrong):
    with pytest.raises(ValueError, match="invalid marker"):
        Marker.read({"priority": 0, "notify": wrong})


@pytest.fixture
def sent(monkeypatch):
    calls = []
    monkeypatch.setattr(notifications, "send", lambda notice, wanted, _: calls.append((notice.event, wanted)))
    return calls


def request(event, **more):
    return msgspec.json.encode(Notice(event=event, job="crawl", run="r", state="failed", url="u", **more)).decode()


def test_a_request_calls_the_notifiers_of_its_event(sent):
    call = dag(ON).on_failure_callback
    call({"reason": request("failure"), "run_id": "r"})
    call({"reason": request("late", after=3600.0), "run_id": "r"})
    call({"reason": request("late", after=5.0), "run_id": "r"})
    assert [(event, [one["notifier"] for one in wanted]) for event, wanted in sent] == [
        ("failure", ["a.b:C"]),
        ("late", ["a.b:F", "a.b:H"]),
        ("late", []),
    ]


@pytest.mark.parametrize("reason", ["timed_out", "task_failure", None, "{}", "[", '{"event": "other"}'])
def test_a_request_of_airflow_itself_is_ignored(sent, reason):
    dag(ON).on_failure_callback({"reason": reason, "run_id": "r"})
    assert sent == []


def test_the_same_spec_gives_the_same_dag():
    assert len({json.dumps(DagSerialization.to_dict(dag(ON)), sort_keys=True) for _ in range(100)}) == 1
