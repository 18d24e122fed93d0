"""Which missed date gets a run, and by how much a run starts later."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.serialization.serialized_objects import DagSerialization
from hypothesis import given
from hypothesis import strategies as st

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.schedules import dates
from airflow_mcp_provider.plugin.schedules.airflow_internals import DagRunInfo
from airflow_mcp_provider.spec import parse_job

HOUR = timedelta(hours=1)


def dag(schedule):
    spec = parse_job(f"plan: {{items: [1]}}\nrun: {{shell: x}}\nschedule: {{{schedule}}}", id="crawl")
    return DagSerialization.from_dict(DagSerialization.to_dict(build_dag(spec)))


def chosen(schedule, missed, grace=None):
    """The date that is chosen when the date of ``missed`` hours ago is the next one, in hours ago."""
    now = pendulum.now("UTC")
    hour = now.start_of("hour")
    found = dates.choose(dag(schedule), DagRunInfo.exact(hour - missed * HOUR), grace, now)
    return (hour - found.run_after).total_seconds() / 3600


@pytest.mark.parametrize("when", ["cron: '0 * * * *'", "cron: ['0 * * * *', '0 12 * * *']", "every: 1h"])
def test_the_latest_missed_date_or_each(when):
    assert [chosen(when, missed) for missed in (0, 1, 5, 500)] == [0, 0, 0, 0]
    assert [chosen(f"{when}, coalesce: false", missed) for missed in (0, 1, 5, 500)] == [0, 1, 5, 500]
    late = f"{when}, coalesce: false, misfire_grace: 2h"
    assert [chosen(late, missed, 2 * HOUR) for missed in (0, 1, 2, 5, 500)] == [0, 1, 2, 2, 2]


def test_a_date_that_is_to_come_is_left_alone():
    assert chosen("cron: '0 * * * *'", -3) == -3


def test_after_the_end_of_a_schedule_its_last_date_is_the_latest():
    end = pendulum.now(ZoneInfo("UTC")).start_of("hour") - 3 * HOUR
    assert chosen(f"cron: '0 * * * *', end: '{end.format('YYYY-MM-DDTHH:mm')}'", 9) == 3


@given(st.text(max_size=20), st.text(max_size=20), st.timedeltas(timedelta(milliseconds=1), timedelta(days=30)))
def test_jitter_is_stable_and_within_its_bound(job, run, most):
    found = dates.jitter(job, run, most)
    assert timedelta() <= found <= most
    assert found == dates.jitter(job, run, most)


def test_jitter_differs_between_jobs_and_is_spread():
    most = timedelta(minutes=10)
    found = sorted(dates.jitter(f"job_{number}", "scheduled__x", most) for number in range(1000))
    assert len(set(found)) > 990
    assert all(abs(found[number] - most * number / 1000) < most / 10 for number in range(1000))
    assert dates.jitter("a", "b", None) == timedelta()
