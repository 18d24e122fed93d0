"""The asset of a watch, as Airflow serializes it."""

import json
import sys
from types import ModuleType

import pytest
from airflow.serialization.encoders import encode_trigger
from airflow.serialization.serialized_objects import DagSerialization
from airflow.triggers.base import BaseEventTrigger

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import build_dag, watch_asset
from airflow_mcp_provider.spec import parse_job
from airflow_mcp_provider.spec.watch import Watch


def trigger_of(job, **given):
    [watcher] = watch_asset.watch_asset(job, Watch(**given)).watchers
    return encode_trigger(watcher.trigger)


def test_jobs_with_the_same_watch_have_triggers_of_their_own():
    one, other = (trigger_of(job, python="inbox:pending") for job in ("one", "other"))
    assert one != other
    assert BaseEventTrigger.hash(**one) != BaseEventTrigger.hash(**other)
    assert BaseEventTrigger.hash(**one) == BaseEventTrigger.hash(**trigger_of("one", python="inbox:pending"))


def test_a_changed_watch_is_another_trigger():
    assert trigger_of("one", python="inbox:pending") != trigger_of("one", python="inbox:pending", every="31s")


def test_the_arguments_survive_airflow_as_they_are():
    kwargs = trigger_of("one", command=["sh", "-c", "true"])["kwargs"]
    assert kwargs == json.loads(json.dumps(kwargs)), "scalars alone, which Airflow serializes in one way"
    assert json.loads(kwargs["check"]) == {"command": ["sh", "-c", "true"]}


def test_the_dag_of_a_job_is_stable_and_waits_for_its_asset():
    text = "schedule: {watch: {python: 'inbox:pending'}}\nplan: {items: [1]}\nrun: {shell: x}"
    dumped = [
        json.dumps(DagSerialization.to_dict(build_dag(parse_job(text, id="one"))), sort_keys=True) for _ in range(20)
    ]
    assert len(set(dumped)) == 1
    assert "x-mcp-watch://one" in dumped[0]
    assert "AssetTriggeredTimetable" in dumped[0]


def test_a_queue_needs_its_provider(monkeypatch):
    monkeypatch.setattr(watch_asset, "MESSAGING", "airflow.providers.common.no_such")
    with pytest.raises(SpecError, match="missing package apache-airflow-providers-common-messaging for the queue"):
        watch_asset.watch_asset("one", Watch(queue="sqs"))
    monkeypatch.setattr(watch_asset, "MESSAGING", "json")
    assert json.loads(trigger_of("one", queue="sqs", args={"sqs_queue": "q"})["kwargs"]["check"])["queue"] == "sqs"


def test_a_missing_parent_package_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "no_such_parent", ModuleType("no_such_parent"))
    assert not watch_asset._installed("no_such_parent.child")
