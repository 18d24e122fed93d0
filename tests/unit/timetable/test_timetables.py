"""Which date of a schedule gets the next run, and what Airflow stores and shows of a timetable."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction

from airflow_mcp_provider.timetable import EPOCH, AtTimetable, CronTimetable, EveryTimetable
from airflow_mcp_provider.timetable.base import LATE, LONGEST, Frame

HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 26, 12, 10, tzinfo=UTC)
BERLIN = Frame("Europe/Berlin")
HOURLY = CronTimetable(("0 * * * *",), Frame())


def _interval(date: str) -> DataInterval:
    return DataInterval.exact(pendulum.parse(date))


def ask(timetable, last: str | None = None, *, catchup: bool = False, now: datetime = NOON, **bounds) -> str | None:
    """The date of the next run as Airflow asks for it; ``last`` is that of the last scheduled run."""
    earliest = EPOCH if catchup else None  # as the factory sets start_date
    restriction = TimeRestriction(bounds.get("earliest", earliest), bounds.get("latest"), catchup)
    timetable.clock = lambda: now
    found = timetable.next_dagrun_info(last_automated_data_interval=last and _interval(last), restriction=restriction)
    if found is None:
        return None
    assert found == DagRunInfo.exact(found.run_after)
    return f"{found.run_after:%d %H:%M}"


def test_the_first_run_of_a_schedule_is_the_next_date():
    assert ask(HOURLY) == ask(HOURLY, catchup=True) == "26 13:00"


@pytest.mark.parametrize("catchup", [False, True])
def test_a_date_that_has_just_come_is_not_lost_when_the_dag_is_parsed_again(catchup):
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert ask(HOURLY, now=now + LATE - timedelta(seconds=1), catchup=catchup) == "26 12:00"
    assert ask(HOURLY, now=now + LATE, catchup=catchup) == "26 13:00"


def test_with_a_start_the_dates_since_then_are_missed_ones():
    timetable = CronTimetable(("0 * * * *",), Frame(start=datetime(2026, 11, 26, 9, 30, tzinfo=UTC)))
    assert ask(timetable) == "26 12:00"
    assert ask(timetable, catchup=True) == "26 10:00"
    assert ask(timetable, now=NOON - 10 * HOUR) == ask(timetable, now=NOON - 10 * HOUR, catchup=True) == "26 10:00"


def test_missed_dates_make_one_run_or_a_run_each():
    assert ask(HOURLY, "2026-11-26T07:00Z") == "26 12:00"
    assert ask(HOURLY, "2026-11-26T07:00Z", catchup=True) == "26 08:00"
    assert ask(HOURLY, "2026-11-26T12:00Z") == ask(HOURLY, "2026-11-26T12:00Z", catchup=True) == "26 13:00"


def test_dates_beyond_misfire_grace_have_one_run_together():
    """It is dropped with a reason; a scheduler that was down for days does not create thousands of runs."""
    timetable = EveryTimetable(timedelta(minutes=1), Frame(misfire_grace=HOUR))
    assert ask(timetable, "2026-11-20T00:00Z", catchup=True) == "26 11:10"
    assert ask(timetable, "2026-11-26T11:10Z", catchup=True) == "26 11:11"
    assert ask(timetable, "2026-11-20T00:00Z") == "26 12:10"


def test_after_the_end_there_is_no_run():
    timetable = CronTimetable(("0 * * * *",), Frame(end=datetime(2026, 11, 26, 9, 30, tzinfo=UTC)))
    assert ask(timetable) is ask(timetable, "2026-11-26T09:00Z") is None
    assert ask(timetable, "2026-11-26T07:00Z") == "26 09:00"
    assert ask(timetable, "2026-11-26T07:00Z", catchup=True) == "26 08:00"
    assert ask(HOURLY, latest=NOON) is None


def test_a_date_has_one_run_also_when_the_dag_comes_later():
    timetable = AtTimetable(datetime(2026, 11, 26, 13, tzinfo=UTC), Frame())
    for now in (NOON, NOON + 5 * HOUR, NOON + timedelta(days=400)):
        for catchup in (False, True):
            assert ask(timetable, now=now, catchup=catchup) == "26 13:00"
            assert ask(timetable, "2026-11-26T13:00Z", now=now, catchup=catchup) is None


def test_a_backfill_has_all_dates_of_its_period():
    restriction = TimeRestriction(pendulum.datetime(2026, 10, 24, 22), pendulum.datetime(2026, 10, 25, 3), catchup=True)
    last, dates = None, []
    timetable = CronTimetable(("30 1-3 * * *",), Frame("Europe/Berlin", misfire_grace=HOUR))
    while info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction):
        last = info.data_interval
        dates.append(f"{info.run_after.in_timezone('Europe/Berlin'):%H:%M%z}")
    assert dates == ["01:30+0200", "02:30+0200", "02:30+0100", "03:30+0100"]


WHOLE = Frame("Europe/Berlin", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), HOUR)
ALL = [
    CronTimetable(("0 8 * * mon-fri",), BERLIN),
    CronTimetable(("@daily", "0 0 1 * mon"), WHOLE),
    EveryTimetable(timedelta(minutes=90), Frame()),
    EveryTimetable(timedelta(seconds=1.5), WHOLE),
    AtTimetable(datetime(2026, 12, 1, 9, tzinfo=UTC), BERLIN),
]
SHOWN = [
    ("0 8 * * mon-fri", "At 08:00, Monday through Friday (Europe/Berlin)", True),
    (
        "@daily, 0 0 1 * mon",
        "At 00:00; At 00:00, on day 1 of the month (or) At 00:00, only on Monday (Europe/Berlin) from 2026-12-01 00:00 to 2027-01-01 00:00",
        True,
    ),
    ("every 1h30m", "Every 1h30m (UTC)", True),
    ("every 1s500ms", "Every 1s500ms (Europe/Berlin) from 2026-12-01 00:00 to 2027-01-01 00:00", True),
    ("at 2026-12-01 09:00", "Once, at 2026-12-01 09:00 (Europe/Berlin)", False),
]


@pytest.mark.parametrize(
    ("timetable", "shown"), list(zip(ALL, SHOWN, strict=True)), ids=lambda one: str(getattr(one, "summary", ""))
)
def test_airflow_stores_and_shows_it(timetable, shown):
    stored = json.loads(json.dumps(encode_timetable(timetable)))
    read = decode_timetable(stored)
    assert type(read) is type(timetable)
    assert json.dumps(encode_timetable(read)) == json.dumps(stored)
    assert (read.summary, read.description, read.periodic) == shown
    assert ask(read, "2026-11-26T07:00Z") == ask(timetable, "2026-11-26T07:00Z")


def test_the_last_day_of_a_month_in_words():
    assert CronTimetable(("0 8 L * *",), BERLIN).description == "At 08:00, on the last day of the month (Europe/Berlin)"


def test_the_description_fits_airflows_column():
    crons = tuple(f"{minute},{minute + 1} {minute % 24} 1,5,7,20 * mon-fri" for minute in range(50))
    assert len(CronTimetable(crons, BERLIN).description) == LONGEST


def test_the_same_bytes_in_every_process():
    """A DAG has one version as long as its spec is the same."""
    code = (
        "from airflow_mcp_provider.timetable import CronTimetable; from airflow_mcp_provider.timetable.base import Frame;"
        "import json; print(json.dumps(CronTimetable(('@daily', '0 8 * * *'), Frame('Europe/Berlin')).serialize()))"
    )
    outs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outs) == 1
