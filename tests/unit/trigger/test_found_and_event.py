"""What a check found, the event it makes, and when the event is outdated."""

from datetime import UTC, datetime, timedelta

import pytest

from airflow_mcp_provider.trigger.event import WatchEvent
from airflow_mcp_provider.trigger.found import Found, of_value
from airflow_mcp_provider.trigger.pause import LONGEST, Pause
from airflow_mcp_provider.trigger.status import WatchStatus, after

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, False, "", [], {}, 0])
def test_no_work(value):
    assert of_value(value) == Found()


@pytest.mark.parametrize("value", [1, 1.5, "text", [1], [{}]])
def test_other_values_are_errors(value):
    assert of_value(value).error.startswith("invalid result")


def test_an_event_survives_the_extra_of_an_asset_event():
    event = WatchEvent({"url": "x"}, NOON)
    assert WatchEvent.of_extra({"from_trigger": True, "payload": event.dump()}) == event
    message = WatchEvent({"message": 1})
    assert WatchEvent.of_extra({"payload": message.dump()}) == message


@pytest.mark.parametrize("extra", [None, {}, "x", {"payload": 1}, {"payload": {"mcp.conf": 1}}, {"mcp.conf": {}}])
def test_other_asset_events_are_not_of_a_watch(extra):
    assert WatchEvent.of_extra(extra) is None


def test_an_event_is_outdated_when_a_run_has_ended_since_its_check():
    event = WatchEvent({}, NOON)
    assert not event.is_outdated(None)
    assert not event.is_outdated(NOON - timedelta(seconds=1))
    assert event.is_outdated(NOON + timedelta(seconds=1))
    assert not WatchEvent({}).is_outdated(NOON), "a message is work of its own"


def test_a_check_time_that_cannot_be_read_is_none():
    for wrong in ("x", 1, "2026-12-01T12:00:00"):
        assert WatchEvent.of_extra({"payload": {"mcp.conf": {}, "mcp.checked_at": wrong}}) == WatchEvent({})


def test_waits_grow_with_failures_up_to_a_limit():
    pause = Pause("job", 30)
    first = pause.after(0, 0)
    assert 0 <= first < 30
    assert first != Pause("another", 30).after(0, 0), "jobs do not check at the same second"
    assert pause.after(0, 4) == 26
    assert pause.after(0, 40) == 0
    assert [pause.after(n, 0) for n in range(1, 6)] == [60, 120, 240, LONGEST, LONGEST]
    assert pause.after(10_000, 0) == LONGEST
    rare = Pause("job", 3600)
    rare.after(0, 0)
    assert rare.after(5, 0) == 3600


def test_a_status_counts_failures_until_a_success():
    first = WatchStatus(NOON, every=30)
    failed = after(after(first, Found(error="a"), NOON), Found(error="b"), NOON + timedelta(seconds=60))
    assert (failed.error, failed.failures, failed.last_success) == ("b", 2, None)
    fine = after(failed, Found(pending=True), NOON + timedelta(seconds=90))
    assert (fine.error, fine.failures, fine.pending, fine.every) == (None, 0, True, 30)
    assert after(fine, Found(error="c"), NOON + timedelta(hours=1)).last_success == NOON + timedelta(seconds=90)
    for status in (first, failed, fine, fine.seen(NOON)):
        assert WatchStatus.read(status.dump()) == status


@pytest.mark.parametrize("value", [None, 1, {}, {**WatchStatus(NOON).dump(), "last_check": 5}])
def test_a_status_of_another_form_is_none(value):
    assert WatchStatus.read(value) is None


def test_a_watch_is_silent_after_some_checks_without_a_sign_of_life():
    status = WatchStatus(NOON, every=30)
    assert not status.is_silent(NOON + timedelta(minutes=14))
    assert status.is_silent(NOON + timedelta(minutes=16))
    assert not status.seen(NOON + timedelta(minutes=10)).is_silent(NOON + timedelta(minutes=16))
    assert not WatchStatus(NOON, every=3600).is_silent(NOON + timedelta(hours=2))
