"""Missed dates that a scheduled run has covered, because it started after them."""

from datetime import timedelta
from types import SimpleNamespace

import pendulum
import pytest
from airflow.models.dag import DagModel
from airflow.timetables.base import DataInterval
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_mcp_provider.plugin.schedules import covered


def hour(ago=0):
    return pendulum.now("UTC").start_of("hour") - timedelta(hours=ago)


class Scheduler:
    """What is used of Airflow's; ``created`` are the dates that it was asked to create runs for."""

    def __init__(self, dag):
        self.dag, self.created = dag, []

    def _get_current_dag(self, dag_id, session):  # noqa: ARG002 - as Airflow calls it
        return self.dag

    def _create_dag_runs(self, dag_models, session):  # noqa: ARG002 - likewise
        self.created += [model.next_dagrun_create_after for model in dag_models]


@pytest.fixture
def look(job, session):
    """Let a scheduler look at a job whose next date is ``date``, and return the dates of created runs."""
    job.dag.timetable = CronTriggerTimetable("0 * * * *", timezone="UTC")
    model = session.get_one(DagModel, "crawl")

    def look(date):
        model.next_dagrun = model.next_dagrun_create_after = date
        model.next_dagrun_data_interval = DataInterval.exact(date)
        session.flush()
        scheduler = Scheduler(job.dag)
        covered._passing(Scheduler._create_dag_runs)(scheduler, [model], session)
        session.flush()
        return scheduler.created, model

    return look


def ran(job, session, date, start, **fields):
    run = job.run(f"scheduled__{date.isoformat()}", "success", run_type="scheduled")
    run.logical_date, run.start_date = date, start
    for name, value in fields.items():
        setattr(run, name, value)
    session.flush()


def test_dates_before_the_start_of_the_last_run_get_no_run(job, session, look):
    ran(job, session, hour(5), pendulum.now())
    created, model = look(hour(4))
    assert created == []
    assert model.next_dagrun_create_after == model.next_dagrun == hour(-1)


def test_the_latest_date_after_that_start_gets_one(job, session, look):
    ran(job, session, hour(5), hour(2) + timedelta(minutes=1))
    assert look(hour(4))[0] == [hour()]


@pytest.mark.parametrize(
    "more", [{"start_date": None}, {"clear_number": 1}, {"run_type": "manual"}, {"start_date": hour(5)}]
)
def test_what_covers_nothing(job, session, look, more):
    """A run that did not start, that was cleared, that is not of the schedule, or that started before."""
    ran(job, session, hour(5), pendulum.now(), **more)
    assert look(hour(4))[0] == [hour(4)]


def test_with_catchup_each_date_gets_a_run(job, session, look):
    job.dag.catchup = True
    ran(job, session, hour(5), pendulum.now())
    assert look(hour(4))[0] == [hour(4)]


def test_an_error_does_not_stop_the_scheduler(job, session, look, monkeypatch):
    ran(job, session, hour(5), pendulum.now())
    monkeypatch.setattr(job.dag, "timetable", SimpleNamespace())
    assert look(hour(4))[0] == [hour(4)]
