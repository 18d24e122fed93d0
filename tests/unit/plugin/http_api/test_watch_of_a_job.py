"""The watch of a job in its document and in lists."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from airflow.jobs.job import Job
from airflow.models.asset import AssetModel
from airflow.models.asset_state_store import AssetStateStoreModel
from airflow.models.dag import DagModel

from airflow_mcp_provider.trigger.found import Found
from airflow_mcp_provider.trigger.status import KEY, WatchStatus, after, asset_name, asset_uri

NOW = datetime.now(UTC)
WATCH = "schedule: {watch: {python: 'inbox:pending'}}"


@pytest.fixture
def stored(database):
    """Store a status as the trigger does."""

    def store(job, status):
        with database() as session:
            asset = AssetModel(name=asset_name(job), uri=asset_uri(job), group="asset", extra={})
            session.add(asset)
            session.flush()
            session.add(
                AssetStateStoreModel(asset_id=asset.id, key=KEY, value=json.dumps(status.dump()), updated_at=NOW)
            )
            session.commit()

    return store


@pytest.fixture
def triggerer(database, monitored):
    """Add a triggerer whose last heartbeat was some time ago."""

    def add(ago=0, state="running"):
        job = Job(job_type="TriggererJob", state=state)
        monitored()  # it would read the job while the session writes it
        with database() as session:
            job.latest_heartbeat = datetime.now(UTC) - timedelta(seconds=ago)
            session.add(job)
            session.commit()

    return add


def test_a_job_without_a_watch_has_none(http, job):
    assert http.get("/jobs/crawl").json()["watch"] is None


@pytest.mark.parametrize("heartbeats", [(), (600,)])
def test_without_a_triggerer_the_job_has_a_problem(http, make_job, triggerer, heartbeats):
    make_job(more=WATCH)
    for ago in heartbeats:
        triggerer(ago)
    watch = http.get("/jobs/crawl").json()["watch"]
    assert watch["problem"] == "no triggerer is running: start one with `airflow triggerer`"
    assert (watch["last_check"], watch["error"]) == (None, None)
    [listed] = http.get("/jobs").json()["jobs"]
    assert listed["watch"] == watch


def test_a_triggerer_that_has_ended_does_not_count(http, make_job, triggerer):
    make_job(more=WATCH)
    triggerer(state="success")
    assert "no triggerer" in http.get("/jobs/crawl").json()["watch"]["problem"]


def test_a_watch_that_has_not_started(http, make_job, triggerer):
    make_job(more=WATCH)
    triggerer()
    assert http.get("/jobs/crawl").json()["watch"]["problem"] == "the triggerer has not started this watch yet"


def test_the_last_check(http, make_job, triggerer, stored):
    make_job(more=WATCH)
    make_job(job="other", more=WATCH)
    triggerer()
    now = datetime.now(UTC)
    stored("crawl", after(WatchStatus(now, every=30), Found(error="no such folder"), now))
    stored("other", after(WatchStatus(now, every=30), Found(pending=True), now))
    watch = http.get("/jobs/crawl").json()["watch"]
    assert (watch["error"], watch["failures"], watch["pending"], watch["problem"]) == ("no such folder", 1, False, None)
    assert datetime.fromisoformat(watch["last_check"]) == now
    other = http.get("/jobs/other").json()["watch"]
    assert (other["error"], other["failures"], other["pending"], other["problem"]) == (None, 0, True, None)


def test_a_watch_that_does_not_check_any_more(http, make_job, triggerer, stored, database):
    make_job(more=WATCH)
    triggerer()
    stored("crawl", WatchStatus(NOW - timedelta(hours=1), every=30))
    assert "no check since" in http.get("/jobs/crawl").json()["watch"]["problem"]
    with database() as session:
        session.get(DagModel, "crawl").is_paused = True
        session.commit()
    assert http.get("/jobs/crawl").json()["watch"]["problem"] is None, "a paused job has no checks"
