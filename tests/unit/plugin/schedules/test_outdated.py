"""The event of a watch whose work another run may have done."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.asset import AssetDagRunQueue, AssetEvent, AssetModel, DagScheduleAssetReference
from sqlalchemy import select

from airflow_mcp_provider.plugin.schedules.outdated import _dropping, drop
from airflow_mcp_provider.trigger.event import WatchEvent
from airflow_mcp_provider.trigger.status import asset_name, asset_uri

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def watched(make_job, session):
    """A job with a watch, and a function that adds an event which waits."""
    job = make_job("crawl")
    asset = AssetModel(name=asset_name("crawl"), uri=asset_uri("crawl"), group="asset", extra={})
    session.add(asset)
    session.flush()
    session.add(DagScheduleAssetReference(asset_id=asset.id, dag_id="crawl"))

    def emit(event, at=NOON):
        session.add(AssetEvent(asset_id=asset.id, extra={"payload": event.dump()}, timestamp=at))
        session.merge(AssetDagRunQueue(asset_id=asset.id, target_dag_id="crawl", created_at=at))
        session.flush()

    job.emit = emit
    return job


def waiting(session):
    return list(session.scalars(select(AssetDagRunQueue.target_dag_id)))


def ended(job, at, *, started=True):
    run = job.run(f"manual__{at.isoformat()}", "success")
    run.start_date, run.end_date = at - MINUTE if started else None, at
    job.session.flush()


def test_an_event_is_kept_when_no_run_has_ended_since(watched, session):
    ended(watched, NOON - MINUTE)
    watched.emit(WatchEvent({}, NOON))
    assert drop(session, ["crawl", "other"]) == set()
    assert waiting(session) == ["crawl"]


def test_an_event_is_dropped_when_a_run_has_ended_since(watched, session):
    watched.emit(WatchEvent({}, NOON))
    ended(watched, NOON + MINUTE)
    assert drop(session, ["crawl"]) == {"crawl"}
    assert waiting(session) == []


def test_the_newest_event_counts(watched, session):
    watched.emit(WatchEvent({}, NOON))
    ended(watched, NOON + MINUTE)
    watched.emit(WatchEvent({}, NOON + 2 * MINUTE), at=NOON + 2 * MINUTE)
    assert drop(session, ["crawl"]) == set()


def test_a_run_that_never_started_has_done_no_work(watched, session):
    watched.emit(WatchEvent({}, NOON))
    ended(watched, NOON + MINUTE, started=False)
    assert drop(session, ["crawl"]) == set()


def test_messages_are_never_dropped(watched, session):
    watched.emit(WatchEvent({"message": 1}))
    ended(watched, NOON + MINUTE)
    assert drop(session, ["crawl"]) == set()


def test_only_the_other_dags_get_a_run(watched, session):
    watched.emit(WatchEvent({}, NOON))
    ended(watched, NOON + MINUTE)

    class Model:
        def __init__(self, dag_id):
            self.dag_id = dag_id

    created = []
    create = _dropping(lambda _, *, dag_models, **__: created.extend(one.dag_id for one in dag_models))
    create(None, dag_models=[Model("crawl"), Model("other")], session=session)
    assert created == ["other"]
