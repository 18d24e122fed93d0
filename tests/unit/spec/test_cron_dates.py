"""The dates of cron expressions, also where a clock changes: against tables of the changes, croniter and Airflow."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_mcp_provider.spec.cron_dates import CronDates
from airflow_mcp_provider.spec.run_dates import BoundedDates

MINUTE = timedelta(minutes=1)
WINDOW = timedelta(hours=9)


@dataclass(frozen=True)
class Change:
    """A change of the clock of ``zone`` at ``at`` (UTC), as published: not from zoneinfo, which the code asks."""

    zone: str
    at: datetime
    before: timedelta
    after: timedelta

    def local(self, moment: datetime) -> datetime:
        return (moment + (self.before if moment < self.at else self.after)).replace(tzinfo=None)

    def is_repeated(self, moment: datetime) -> bool:
        return self.at <= moment < self.at + (self.before - self.after)

    def skipped(self, moment: datetime) -> datetime | None:
        """The local time that was skipped, and is moved to ``moment``."""
        return (
            (moment + self.before).replace(tzinfo=None)
            if self.at <= moment < self.at + (self.after - self.before)
            else None
        )


def _change(zone: str, at: str, before: float, after: float) -> Change:
    return Change(zone, datetime.fromisoformat(at).replace(tzinfo=UTC), timedelta(hours=before), timedelta(hours=after))


CHANGES = [
    _change("Europe/Berlin", "2026-03-29T01:00", 1, 2),
    _change("Europe/Berlin", "2026-10-25T01:00", 2, 1),
    _change("America/New_York", "2026-03-08T07:00", -5, -4),
    _change("America/New_York", "2026-11-01T06:00", -4, -5),
    _change("Australia/Lord_Howe", "2026-04-04T15:00", 11, 10.5),
    _change("Australia/Lord_Howe", "2026-10-03T15:30", 10.5, 11),
    _change("Asia/Kolkata", "2026-10-25T01:00", 5.5, 5.5),
]


@dataclass(frozen=True)
class Cron:
    """A cron expression, and the local times at which it runs."""

    minutes: frozenset[int]
    hours: frozenset[int]

    def __str__(self) -> str:
        return " ".join([*(",".join(map(str, sorted(values))) for values in (self.minutes, self.hours)), "* * *"])

    def runs(self, local: datetime) -> bool:
        return local.minute in self.minutes and local.hour in self.hours and not local.second

    def repeats(self, local: datetime) -> bool:
        return bool({(local.hour + 1) % 24, (local.hour - 1) % 24} & self.hours)


def of(text: str) -> Cron:
    minutes, hours = (frozenset(int(one) for one in part.split(",")) for part in text.split()[:2])
    return Cron(minutes, hours)


CRONS = st.builds(
    Cron,
    st.frozensets(st.integers(0, 59), min_size=1, max_size=3),
    st.one_of(
        st.frozensets(st.integers(0, 5), min_size=1, max_size=6),
        st.frozensets(st.integers(0, 23), min_size=1, max_size=24),
    ),
)


def expected(cron: Cron, change: Change) -> list[datetime]:
    """The dates near the change, minute by minute of UTC."""
    dates = []
    moment = change.at - WINDOW
    while moment < change.at + WINDOW:
        local, skipped = change.local(moment), change.skipped(moment)
        here = cron.runs(local) and (not change.is_repeated(moment) or cron.repeats(local))
        if here or (skipped and cron.runs(skipped)):
            dates.append(moment)
        moment += MINUTE
    return dates


def found(dates: CronDates, low: datetime, high: datetime) -> list[datetime]:
    every = BoundedDates(dates, low, high - timedelta(microseconds=1))
    return list(every.all_after(low - MINUTE))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change.zone} {change.at:%m-%d}")
@settings(max_examples=60, deadline=None)
@given(cron=CRONS, offset=st.integers(-540 * 60, 540 * 60 - 1))
@example(cron=of("0,30 1,2,3,4"), offset=0)
@example(cron=of("30 2"), offset=600)
@example(cron=of("45 1,2"), offset=-60)
def test_the_dates_near_a_change_of_the_clock_are_those_of_the_rules(change, cron, offset):
    dates = CronDates((str(cron),), ZoneInfo(change.zone))
    due = expected(cron, change)
    assert found(dates, change.at - WINDOW, change.at + WINDOW) == due
    moment = change.at + timedelta(seconds=offset, microseconds=7)
    earlier, later = [one for one in due if one <= moment], [one for one in due if one > moment]
    if later:
        assert dates.after(moment) == later[0]
    if earlier:
        assert dates.latest(moment) == earlier[-1]


FIELDS = st.tuples(
    st.sampled_from(["*", "*/15", "0", "5,35", "10-20", "59"]),
    st.sampled_from(["*", "*/6", "8", "0,23", "9-17", "22-2"]),
    st.sampled_from(["*", "1", "31", "l", "*/10", "13"]),
    st.sampled_from(["*", "1", "2", "feb", "jan-mar", "*/3"]),
    st.sampled_from(["*", "mon-fri", "sun", "5#2", "1,3", "7"]),
)


@settings(max_examples=300, deadline=None)
@given(fields=FIELDS, seconds=st.integers(0, 4 * 366 * 86400))
def test_without_changes_of_the_clock_the_dates_are_croniters(fields, seconds):
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    try:
        wanted = croniter(" ".join(fields), moment).get_next(datetime)
        last = croniter(" ".join(fields), moment + timedelta(seconds=1)).get_prev(datetime)
    except ValueError:  # 31 February
        return
    dates = CronDates((" ".join(fields),), ZoneInfo("UTC"))
    assert dates.after(moment) == wanted
    assert dates.latest(moment) == last
    assert dates.latest(wanted) == wanted


def test_several_expressions_have_the_dates_of_all_each_once():
    dates = CronDates(("0 8 * * *", "0 8 * * mon", "30 17 * * fri"), ZoneInfo("Europe/Berlin"))
    start = datetime(2026, 11, 27, tzinfo=UTC)  # a Friday
    assert [f"{one:%a %H:%M}" for one in islice(BoundedDates(dates).all_after(start), 4)] == [
        "Fri 07:00", "Fri 16:30", "Sat 07:00", "Sun 07:00",
    ]  # fmt: skip
    assert dates.latest(start + timedelta(hours=20)) == start + timedelta(hours=16, minutes=30)


@pytest.mark.parametrize(
    ("cron", "change", "local"),
    [
        ("30 2 * * *", CHANGES[0], ["03:30+0200"]),
        (
            "0,30 1-4 * * *",
            CHANGES[0],
            ["01:00+0100", "01:30+0100", "03:00+0200", "03:30+0200", "04:00+0200", "04:30+0200"],
        ),
        ("30 * * * *", CHANGES[0], ["00:30+0100", "01:30+0100", "03:30+0200", "04:30+0200"]),
        ("30 2 * * *", CHANGES[1], ["02:30+0200"]),
        ("30 1-3 * * *", CHANGES[1], ["01:30+0200", "02:30+0200", "02:30+0100", "03:30+0100"]),
        ("0 */2 * * *", CHANGES[1], ["00:00+0200", "02:00+0200", "04:00+0100"]),
        ("30 1 * * *", CHANGES[3], ["01:30-0400"]),
        ("45 1 * * *", CHANGES[4], ["01:45+1100"]),
        ("15,45 1-2 * * *", CHANGES[4], ["01:15+1100", "01:45+1100", "01:45+1030", "02:15+1030", "02:45+1030"]),
        ("15 2 * * *", CHANGES[5], ["02:45+1100"]),
    ],
)
def test_the_rules_of_the_docs_by_example(cron, change, local):
    zone = ZoneInfo(change.zone)
    night = change.at.astimezone(zone).replace(hour=0, minute=0) - MINUTE
    dates = CronDates((cron,), zone)
    days = [
        one.astimezone(zone) for one in found(dates, night.astimezone(UTC), night.astimezone(UTC) + timedelta(hours=6))
    ]
    assert [f"{one:%H:%M%z}" for one in days if one.hour < 5] == local


def test_29_february_is_found_and_30_february_is_not():
    assert CronDates(("0 0 29 2 *",), ZoneInfo("UTC")).after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(
        2028, 2, 29, tzinfo=UTC
    )
    for way in ("after", "latest"):
        assert getattr(CronDates(("0 0 30 2 *",), ZoneInfo("UTC")), way)(datetime(2026, 1, 1, tzinfo=UTC)) is None
