"""What Airflow does with schedules: the reasons for timetables of our own. A new release may change each of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pendulum
import pytest
from airflow.jobs import scheduler_job_runner
from airflow.models.dag import DagModel
from airflow.sdk import DAG, Asset, CronTriggerTimetable, DeltaTriggerTimetable, EventsTimetable, Param
from airflow.serialization.encoders import coerce_to_core_timetable, encode_timetable
from airflow.serialization.helpers import TimetableNotRegistered
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DataInterval, TimeRestriction, Timetable
from airflow.timetables.events import EventsTimetable as CoreEventsTimetable

from airflow_mcp_provider.factory.assets import completed
from airflow_mcp_provider.plugin import McpPlugin
from airflow_mcp_provider.timetable import AtTimetable, CronTimetable, EveryTimetable
from airflow_mcp_provider.timetable.base import LONGEST

BERLIN = pendulum.timezone("Europe/Berlin")


def dates_of(schedule, start: str, count: int) -> list[str]:
    timetable, last, dates = coerce_to_core_timetable(schedule), None, []
    restriction = TimeRestriction(pendulum.parse(start), None, catchup=True)
    while len(dates) < count:
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        last = info.data_interval
        dates.append(f"{info.run_after.in_timezone(BERLIN):%H:%M%z}")
    return dates


def test_airflows_cron_leaves_out_dates_of_the_hour_that_is_twice():
    cron = CronTriggerTimetable("0,30 1-4 * * *", timezone="Europe/Berlin")
    dates = dates_of(cron, "2026-10-24T23:00Z", 6)
    assert dates == ["01:00+0200", "01:30+0200", "02:00+0100", "02:30+0100", "03:00+0100", "03:30+0100"]


def test_airflows_cron_runs_a_fixed_time_at_its_second_occurrence():
    cron = CronTriggerTimetable("30 2 * * *", timezone="Europe/Berlin")
    assert dates_of(cron, "2026-10-24T23:00Z", 1) == ["02:30+0100"]
    assert dates_of(cron, "2026-03-28T23:00Z", 1) == ["03:30+0200"]


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "* * * * * *"])
def test_airflow_accepts_crons_that_never_run_or_have_seconds(cron):
    coerce_to_core_timetable(CronTriggerTimetable(cron, timezone="UTC")).validate()


def test_airflows_duration_has_no_anchor():
    """Without a last run it begins now: the dates depend on when the DAG was parsed first."""
    timetable = coerce_to_core_timetable(DeltaTriggerTimetable(timedelta(hours=1)))
    restriction = TimeRestriction(None, None, catchup=False)
    info = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    assert info.run_after.minute or info.run_after.second or info.run_after.microsecond


def test_the_timetable_of_events_cannot_be_read_back():
    with pytest.raises(KeyError, match="_summary"):
        coerce_to_core_timetable(EventsTimetable([pendulum.datetime(2026, 12, 1)]))


def test_the_timetable_of_events_forgets_a_date_that_has_passed():
    """A scheduler that was down at the date, or a DAG that was parsed after it, does not create the run."""
    timetable = CoreEventsTimetable([pendulum.datetime(2020, 12, 1)])
    restriction = TimeRestriction(None, None, catchup=False)
    assert timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction) is None


def test_catchup_requires_a_start_date():
    with pytest.raises(ValueError, match="start_date is required when catchup=True"):
        DAG("a", schedule="@daily", catchup=True)


def test_a_dag_with_a_schedule_has_a_default_for_each_param():
    with pytest.raises(ValueError, match="required params without default values"):
        DAG("a", schedule=[Asset("x")], params={"url": Param(type="string")})


def test_a_start_date_binds_tasks_and_so_submitted_runs():
    from airflow.providers.standard.operators.empty import EmptyOperator

    with DAG("a", schedule="@daily", start_date=datetime(2030, 1, 1, tzinfo=UTC)) as dag:
        EmptyOperator(task_id="b")
    assert dag.get_task("b").start_date.year == 2030


def test_timetables_are_registered_and_stored_by_their_import_path():
    kinds = McpPlugin().timetables
    assert kinds == [AtTimetable, CronTimetable, EveryTimetable]
    assert all(Timetable in kind.__mro__ for kind in kinds)
    paths = {f"{kind.__module__}.{kind.__qualname__}" for kind in kinds}
    assert paths == {
        f"airflow_mcp_provider.timetable.{kind}Timetable" for kind in ("at.At", "cron.Cron", "every.Every")
    }

    class Foreign(Timetable):
        pass

    with pytest.raises(TimetableNotRegistered):
        encode_timetable(Foreign())


def test_the_description_has_the_length_of_the_column():
    assert DagModel.__table__.c.timetable_description.type.length == LONGEST
    assert DagModel.__table__.c.timetable_summary.type.length is None


def test_airflow_stores_the_uri_of_a_jobs_asset_unchanged():
    asset = completed("A.job-1_x")
    assert (asset.name, asset.uri) == ("job A.job-1_x completed", "x-mcp-job://A.job-1_x")
    assert completed("a.").uri != completed("a").uri
    with DAG("a", schedule=[asset]) as dag:
        pass
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable.asset_condition
    assert [one.uri for _, one in stored.iter_assets()] == [asset.uri]


def test_the_scheduler_looks_at_the_flag_of_active_runs_before_it_creates_one():
    source = Path(scheduler_job_runner.__file__).read_text()
    assert "if dag_model.exceeds_max_non_backfill:" in source
    assert "active_non_backfill_runs >= (dag_model.max_active_runs or 0)" in source


def test_our_dates_have_no_hole_where_airflows_have_one():
    timetable, last, dates = (
        CronTimetable.deserialize({"crons": ["0,30 1-4 * * *"], "timezone": "Europe/Berlin"}),
        None,
        [],
    )
    restriction = TimeRestriction(pendulum.parse("2026-10-24T23:00Z"), None, catchup=True)
    for _ in range(8):
        last = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction).data_interval
        assert isinstance(last, DataInterval)
        dates.append(last.end)
    assert {(later - earlier).total_seconds() for earlier, later in pairwise(dates)} == {1800.0}
