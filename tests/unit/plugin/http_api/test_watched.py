"""Which events a client gets: ids from here and from elsewhere, retries, and how much is kept."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_mcp_provider.client.models import RunState
from airflow_mcp_provider.plugin.http_api import snapshots, watched
from airflow_mcp_provider.plugin.http_api.watched import Reader, Watch
from tests.unit.plugin.http_api.conftest import document

NOW = datetime.now(UTC)


def noted(*runs):
    made = Watch("j", "r")
    for run in runs:
        made.note(snapshots.of(run))
    return made


def ended(at=NOW, state=RunState.COMPLETED):
    return document(state).model_copy(update={"ended": at})


def taken(watch, last=0):
    """Return what a client gets that connects with an id."""
    reader, found = Reader(watch, last), []
    while (event := reader.take()) is not None:
        found.append(event)
    return found


def notes(events):
    return [json.loads(event.run.whole.body)["note"] for event in events]


def test_a_new_client_gets_the_latest_document_only():
    watch = noted(document(note="a"), document(note="b"), document(note="c"))
    assert notes(taken(watch)) == ["c"]
    assert notes(taken(watch, watch.events[0].id)) == ["b", "c"]
    assert taken(watch, watch.events[-1].id) == []
    assert notes(taken(watch, 1)) == ["a", "b", "c"], "an earlier id"


def test_nobody_gets_the_end_of_before_a_retry():
    watch = noted(document(note="a"), ended())
    before = watch.events[0].id
    watch.note(snapshots.of(document(note="again")))
    for last in (0, before, before + 1):
        assert [event.name for event in taken(watch, last)] == ["progress"]
        assert notes(taken(watch, last)) == ["again"]
    assert not watch.has_end(watch.events[-1].id - 1)


def test_a_client_with_a_higher_id_gets_the_latest_document_once_and_others_nothing():
    watch = noted(document(note="a"), document(note="b"))
    before = list(watch.events)
    other = Reader(watch, watch.events[0].id)
    for hours in range(300):
        ahead = watch.events[-1].id + 2 * 3_600_000 + 2 * hours
        reader = Reader(watch, ahead)
        event = reader.take()
        assert event.id > ahead
        assert (event.id % 2, notes([event])) == (0, ["b"])
        assert reader.take() is None
    assert list(watch.events) == before
    watch.note(snapshots.of(ended()))
    last = reader.take()
    assert (last.name, last.id % 2) == ("done", 1)
    assert last.id > event.id
    assert [one.name for one in iter(other.take, None)] == ["progress", "done"]


def test_the_end_from_one_server_is_the_end_on_another():
    """Two servers in turn: an EventSource would connect for ever."""
    servers = [noted(document(note="a"), ended()), noted(ended())]
    for one, other in (servers, servers[::-1]):
        (event,) = taken(one)
        assert other.has_end(event.id)
        assert one.has_end(event.id)
        assert not other.has_end(event.id - 1)
    assert not servers[0].has_end(0)


def test_the_end_of_before_a_retry_is_not_the_end_on_another_server():
    (first,) = taken(noted(ended(NOW - timedelta(hours=1))))
    # An hour later the run has been retried and has ended again.
    other = noted(ended(NOW + timedelta(hours=1)))
    assert not other.has_end(first.id)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(minutes=5)])
def test_the_id_of_an_end_is_not_before_the_end_when_clocks_differ(ahead):
    watch = noted(ended(NOW + ahead))
    assert watch.has_end(watch.events[-1].id)


def test_events_are_kept_up_to_a_number_and_a_size(monkeypatch):
    monkeypatch.setattr(watched, "KEPT", 10)
    watch = noted(*(document(note=str(number)) for number in range(50)))
    assert notes(watch.events) == [str(number) for number in range(40, 50)]
    monkeypatch.setattr(watched, "KEPT_BYTES", 100_000)
    large = noted(*(document(note="x" * 30_000 + str(number)) for number in range(20)))
    assert len(large.events) == 3
    assert len(noted(document(note="x" * 200_000)).events) == 1, "the latest one always"


def test_the_bytes_are_there_once_where_nothing_is_hidden():
    plain, result = snapshots.of(document()), snapshots.of(document().model_copy(update={"result": {"a": 1}}))
    assert plain.hidden is plain.whole
    assert json.loads(result.whole.body)["result"] == {"a": 1}
    assert json.loads(result.hidden.body)["result"] is None
    assert result.whole.tag != result.hidden.tag == plain.whole.tag
