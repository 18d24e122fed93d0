"""The runs that a scheduler creates of a job's schedule, with Airflow's own tables and timetables."""

from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.models.asset import AssetEvent, AssetModel, DagScheduleAssetReference
from airflow.models.dag_version import DagVersion
from airflow.models.dagrun import DagRun
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.timetables.trigger import CronTriggerTimetable
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

from airflow_mcp_provider.constants import MARKER_KEY
from airflow_mcp_provider.plugin.db import run_end
from airflow_mcp_provider.plugin.schedules import create as module
from airflow_mcp_provider.plugin.schedules.airflow_internals import DagRunInfo

PARAMS = "params: {depth: {type: integer}, site: {type: string, default: a}}\n"
create = module._creating(SerializedDAG.create_dagrun)


@pytest.fixture
def scheduled(make_job, session):
    """A job with a cron of each hour, and what makes a run of a date of it."""

    def make(schedule, *, params=PARAMS):
        job = make_job("crawl", f"{params}schedule: {{cron: '0 * * * *', {schedule}}}")
        job.dag.timetable = CronTriggerTimetable("0 * * * *", timezone="UTC")
        session.add(DagVersion(dag_id="crawl", version_number=1, bundle_name="b"))
        session.flush()
        return job

    return make


def new(job, session, date, kind=DagRunType.SCHEDULED, make=create):
    info = DagRunInfo.exact(date) if kind == DagRunType.SCHEDULED else DagRunInfo(date, None)
    return make(
        job.dag,
        run_id=f"{kind}__{date.isoformat()}",
        logical_date=info.logical_date,
        data_interval=info.data_interval,
        run_after=date,
        run_type=kind,
        triggered_by=DagRunTriggeredByType.TIMETABLE,
        state="queued",
        session=session,
    )


def hour(ago=0):
    return pendulum.now("UTC").start_of("hour") - timedelta(hours=ago)


def ending(session, run):
    return run_end.of_run(session.connection(), run.id)


def test_a_scheduled_run_has_the_conf_of_its_schedule_which_airflow_validates(scheduled, session):
    job = scheduled("conf: {depth: 3}")
    run = new(job, session, hour())
    assert (run.conf, run.state, run.run_after) == ({"depth": 3}, "queued", hour())


def test_a_run_of_a_person_and_of_a_plain_dag_are_left_alone(scheduled, session):
    job = scheduled("conf: {depth: 3}, jitter: 5m")
    run = new(job, session, hour(3), DagRunType.BACKFILL_JOB)
    assert (run.conf, run.run_after) == ({}, hour(3))
    del job.dag.default_args[MARKER_KEY]
    run = new(job, session, hour(2))
    assert (run.conf, run.run_after) == ({}, hour(2))


def test_jitter_moves_the_start_of_a_run_and_neither_its_date_nor_the_next_one(scheduled, session):
    job = scheduled("conf: {depth: 3}, jitter: 5m")
    run = new(job, session, hour())
    assert hour() < run.run_after < hour() + timedelta(minutes=5)
    assert (run.logical_date, run.run_id) == (hour(), f"scheduled__{hour().isoformat()}")
    info = job.dag.timetable.run_info_from_dag_run(dag_run=run)
    assert job.dag.next_dagrun_info(last_automated_run_info=info).run_after == hour() + timedelta(hours=1)


def test_an_asset_run_has_no_jitter_because_airflow_reads_events_since_its_start(scheduled, session):
    job = scheduled("conf: {depth: 3}, jitter: 5m")
    assert new(job, session, hour(), DagRunType.ASSET_TRIGGERED).run_after == hour()


def test_missed_dates_have_one_run_of_the_latest(scheduled, session):
    job = scheduled("conf: {depth: 3}")
    run = new(job, session, hour(5))
    assert (run.logical_date, run.run_after, run.data_interval_end) == (hour(), hour(), hour())
    assert run.run_id.startswith(f"scheduled__{hour():%Y-%m-%dT%H:00:00}")


def test_a_date_that_a_backfill_has_run_is_not_taken_twice(scheduled, session):
    job = scheduled("conf: {depth: 3}")
    session.add(
        DagRun(dag_id="crawl", run_id="backfill__x", run_type="backfill", logical_date=hour(), run_after=hour())
    )
    session.flush()
    assert new(job, session, hour(5)).logical_date == hour(5)


def test_with_catchup_each_missed_date_has_a_run(scheduled, session):
    job = scheduled("conf: {depth: 3}, coalesce: false")
    job.dag.catchup = True
    assert new(job, session, hour(5)).logical_date == hour(5)


def test_a_timetable_that_raises_does_not_lose_the_conf(scheduled, session, monkeypatch):
    job = scheduled("conf: {depth: 3}")
    monkeypatch.setattr(job.dag, "timetable", None)
    run = new(job, session, hour(5))
    assert (run.logical_date, run.conf) == (hour(5), {"depth": 3})


def test_dates_beyond_the_grace_have_one_run_that_stands_for_all(scheduled, session):
    job = scheduled("conf: {depth: 3}, coalesce: false, misfire_grace: 2h")
    job.dag.catchup = True
    run = new(job, session, hour(8))
    assert run.logical_date == hour(2), "the next one is within the grace"


def test_a_conf_that_does_not_fit_ends_the_run_with_a_reason(scheduled, session):
    job = scheduled("conf: {depth: 3}")
    job.dag.default_args[MARKER_KEY]["schedule"]["conf"] = {"depth": "deep"}
    run = new(job, session, hour())
    assert (run.state, run.dag) == ("failed", job.dag)
    assert run.note.startswith("failed: conf of the job crawl:")
    assert ending(session, run).reason == "invalid"
    assert "depth" in job.dag.params


def test_a_damaged_marker_does_not_stop_the_scheduler(scheduled, session, caplog):
    job = scheduled("", params="")
    job.dag.default_args[MARKER_KEY]["schedule"] = {"jitter": "soon"}
    run = new(job, session, hour())
    assert (run.state, run.conf) == ("queued", {})


def report(session, extra, seconds_ago=1):
    asset = session.scalar(select(AssetModel))
    if asset is None:
        asset = AssetModel(name="inbox", uri="mcp://inbox", group="asset")
        session.add(asset)
        session.flush()
        session.add(DagScheduleAssetReference(asset_id=asset.id, dag_id="crawl"))
    session.add(
        AssetEvent(asset_id=asset.id, extra=extra, timestamp=datetime.now(UTC) - timedelta(seconds=seconds_ago))
    )
    session.flush()


@pytest.fixture
def watched(scheduled):
    def make(**rules):
        job = scheduled("conf: {depth: 3}")
        job.dag.default_args[MARKER_KEY]["schedule"] |= {"watch": True, **rules}
        return job

    return make


def test_what_a_check_reports_is_the_conf_of_its_run(watched, session):
    job = watched()
    report(session, {"from_trigger": True, "payload": {"mcp.conf": {"site": "old"}}}, 5)
    report(session, {"from_trigger": True, "payload": {"mcp.conf": {"site": "b"}}})
    assert new(job, session, datetime.now(UTC), DagRunType.ASSET_TRIGGERED).conf == {"depth": 3, "site": "b"}


@pytest.mark.parametrize("extra", [{}, {"payload": 5}, {"payload": None}, {"from_trigger": True}])
def test_an_event_without_a_conf_starts_a_run_with_that_of_the_schedule(watched, session, extra):
    job = watched()
    report(session, extra)
    assert new(job, session, datetime.now(UTC), DagRunType.ASSET_TRIGGERED).conf == {"depth": 3}


@pytest.mark.parametrize(
    ("conf", "text"),
    [
        (5, "invalid conf of a watch: 5; expected a mapping of params"),
        ({"sites": 1}, "unknown param 'sites' of the job crawl"),
        ({"depth": "deep"}, "conf of the job crawl: Invalid input for param depth"),
        ({"site": "x" * 2_000_000}, "conf of the job crawl: 2000"),
    ],
)
def test_a_report_that_does_not_fit_ends_the_run_with_a_reason(watched, session, conf, text):
    job = watched()
    report(session, {"payload": {"mcp.conf": conf}})
    run = new(job, session, datetime.now(UTC), DagRunType.ASSET_TRIGGERED)
    assert run.state == "failed"
    assert ending(session, run).text.startswith(text)


def test_the_patch_is_of_the_method_that_the_scheduler_calls():
    class Kind:
        def create_dagrun(self, **arguments):
            return arguments

    module.create_by_rules(Kind)
    assert Kind().create_dagrun(run_type="manual") == {"run_type": "manual"}
