"""``schedule`` of a spec: its values as people write them, what is refused, and the rules that the marker carries."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import JobSpec
from airflow_mcp_provider.spec.marker import Marker
from airflow_mcp_provider.spec.run_dates import EveryDates
from airflow_mcp_provider.spec.schedule import Schedule
from airflow_mcp_provider.spec.schedule_rules import ScheduleRules

JOB = "params: {{url: {{type: string}}, depth: {{type: integer, default: 3}}}}\nplan: {{items: [1]}}\nrun: {{shell: x}}\nschedule: {}\n"
BERLIN = ZoneInfo("Europe/Berlin")
YEARS = (datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - hypothesis adds the zone


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("{cron: '0 8 * * mon-fri'}", Schedule(cron=["0 8 * * mon-fri"])),
        ("{cron: ['@daily', '0 12 * * *']}", Schedule(cron=["@daily", "0 12 * * *"])),
        ("{every: 15m, start: 2026-12-01}", Schedule(every="15m", start="2026-12-01T00:00")),
        ("{at: 2026-12-01T09:00, timezone: Europe/Berlin}", Schedule(at="2026-12-01T09:00+01:00", timezone="Europe/Berlin")),
        ("{at: 2026-12-01 09:00:00+01:00}", Schedule(at=datetime(2026, 12, 1, 8, tzinfo=UTC))),
        ("{after: [a, b], misfire_grace: 1h}", Schedule(after=["a", "b"], misfire_grace=3600)),
        ("{cron: '0 0 L * *', coalesce: false}", Schedule(cron=["0 0 L * *"], coalesce=False)),
        ("{cron: '0 8 * * fri#2'}", Schedule(cron=["0 8 * * fri#2"])),
    ],
)  # fmt: skip
def test_a_schedule_is_the_same_in_yaml_python_and_json(schedule, wanted, parsed):
    job = parsed(f"schedule: {schedule}\n")
    assert job.schedule == wanted
    assert JobSpec.model_validate(json.loads(json.dumps(job.model_dump(mode="json")))) == job


@pytest.mark.parametrize(
    ("schedule", "wrong"),
    [
        ("{}", "schedule: missing key; expected exactly one of cron, every, at, after, watch"),
        ("{cron: '@daily', every: 5m}", "schedule: conflicting keys cron and every; expected exactly one of cron"),
        ("{cron: '0 0 30 2 *'}", 'schedule.cron: cron expression that never runs: "0 0 30 2 *"; expected'),
        ("{cron: ['@daily', '0 0 31 4,6,9,11 *']}", "schedule.cron.1: cron expression that never runs"),
        ("{cron: '* * * * * *'}", 'schedule.cron: invalid number of fields (6) in "* * * * * *"; expected five fields'),
        ("{cron: '0 8 * *'}", "schedule.cron: invalid number of fields (4)"),
        ("{cron: ''}", 'schedule.cron: invalid cron expression ""; expected five fields'),
        ("{cron: '60 * * * *'}", 'schedule.cron: invalid minute "60" in "60 * * * *"; expected values from 0 to 59, *,'),
        ("{cron: '*/0 * * * *'}", 'schedule.cron: invalid minute "*/0"'),
        ("{cron: '*/90 * * * *'}", 'schedule.cron: invalid minute "*/90"'),
        ("{cron: '0 24 * * *'}", 'schedule.cron: invalid hour "24"'),
        ("{cron: '0 8 0 * *'}", 'schedule.cron: invalid day of the month "0"'),
        ("{cron: '0 8 1w * *'}", 'schedule.cron: invalid day of the month "1w"'),
        ("{cron: '0 8 * 13 *'}", 'schedule.cron: invalid month "13"'),
        ("{cron: '0 8 * mon *'}", 'schedule.cron: invalid month "mon" in "0 8 * mon *"; expected values from 1 to 12, jan to dec'),
        ("{cron: '0 8 * * 8'}", 'schedule.cron: invalid day of the week "8"'),
        ("{cron: '0 8 * * montag'}", 'schedule.cron: invalid day of the week "montag"'),
        ("{cron: 'R * * * *'}", 'schedule.cron: invalid minute "r"'),
        ("{cron: 'H H * * *'}", 'schedule.cron: invalid minute "h"'),
        ("{cron: '0 8 15 * fri#2'}", 'schedule.cron: day of the month beside a certain day of the week in "0 8 15 * fri#2"; expected * for one'),
        ("{cron: '0 8 15,l * L5'}", "schedule.cron: day of the month beside a certain day of the week in"),
        ("{cron: '@dayly'}", 'schedule.cron: unknown macro "@dayly"; expected @hourly, @daily'),
        ("{cron: '@once'}", 'schedule.cron: unknown macro "@once"'),
        ("{cron: ['@daily', '0 0 * * *']}", "schedule.cron: duplicate cron expression"),
        ("{cron: 5}", "schedule.cron: invalid value 5; expected a cron expression such as @daily, or a list of them"),
        ("{every: 500ms}", "schedule.every: interval too short: 500ms; expected at least 1s"),
        ("{every: 1d, timezone: Europe/Berlin}", "schedule.every: interval of a day or more in Europe/Berlin, where days differ in length: 1d; expected cron"),
        ("{every: 36h, timezone: America/New_York}", "schedule.every: interval of a day or more"),
        ("{every: 5m, timezone: Berlin}", 'schedule.timezone: unknown time zone "Berlin"; expected a name of the IANA'),
        ("{every: 5m, timezone: ../UTC}", "schedule.timezone: unknown time zone"),
        ("{at: tomorrow}", 'schedule.at: invalid date "tomorrow"; expected a date such as 2026-12-01T09:00'),
        ("{at: 2026-02-30}", 'schedule.at: invalid date "2026-02-30"'),
        ("{at: 1999-12-31}", "schedule.at: date out of range: 1999-12-31T00:00:00; expected the years 2000 to 2199"),
        ("{at: 2027-03-28T02:30, timezone: Europe/Berlin}", "schedule.at: local time that the clock skips: 2027-03-28T02:30:00; expected a local time of Europe/Berlin, for example 2027-03-28T03:30:00, or a date with an offset"),
        ("{at: 2026-12-01, end: 2027-01-01}", "schedule.end: conflict with at; expected end only with cron or every"),
        ("{after: [a], start: 2027-01-01}", "schedule.start: conflict with after; expected start only with cron or every"),
        ("{every: 5m, start: 2027-01-01, end: 2027-01-01}", "schedule.end: end before start: 2027-01-01T00:00:00+00:00; expected later than"),
        ("{cron: '@yearly', start: 2026-12-02, end: 2026-12-31}", "schedule.cron: no date between start and end"),
        ("{after: [job]}", "schedule.after: circular call of the job job; expected another job"),
        ("{after: [a, a]}", "schedule.after: duplicate job a, a; expected each job once"),
        ("{after: [a], coalesce: false}", "schedule.coalesce: unsupported value with after: false; expected true"),
        ("{after: [a], jitter: 5m}", "schedule.jitter: conflict with after; expected jitter only with cron, every or at"),
        ("{every: 5m, until: 6m}", 'schedule.until: unknown key "until"'),
        ("{watch: {}}", "schedule.watch: missing key; expected exactly one of python, command, queue"),
    ],
)  # fmt: skip
def test_what_never_runs_or_is_ambiguous_is_refused(schedule, wrong, refused):
    (told,) = refused(JOB.format(schedule).replace("{type: string}", "{type: string, default: a}"))
    assert told.startswith(f"job.yaml:4: {wrong}")


@pytest.mark.parametrize(
    ("conf", "wrong"),
    [
        ("{}", "schedule.conf: missing value of the param url; expected a default in params, or a value here"),
        ("{url: a, dept: 5}", 'schedule.conf.dept: unknown param "dept"; expected url, depth'),
        ("{url: 5}", 'schedule.conf.url: value that does not match its param: 5; expected type: "string"'),
        ("{url: a, depth: many}", 'schedule.conf.depth: value that does not match its param: "many"; expected type: "integer"'),
        ("[url]", "schedule.conf: invalid value (a list); expected a mapping of params and their values"),
    ],
)  # fmt: skip
def test_a_scheduled_run_can_start_with_its_conf(conf, wrong, refused):
    (told,) = refused(JOB.format(f"{{cron: '@daily', conf: {conf}}}"))
    assert told.startswith(f"job.yaml:4: {wrong}")


def test_a_day_is_24_hours_where_no_clock_changes():
    for zone in ("UTC", "Asia/Kolkata", "Africa/Nairobi"):
        assert Schedule(every="1d", timezone=zone).upcoming(datetime(2026, 11, 26, 12, tzinfo=UTC), 1)[0].hour == 0


def test_dates_are_in_the_zone_of_the_schedule_and_fit_its_bounds():
    schedule = Schedule(cron=["0 8 * * *"], timezone="Europe/Berlin", start="2026-10-24", end="2026-10-26T08:00")
    dates = schedule.upcoming(datetime(2026, 1, 1, tzinfo=UTC), 9)
    assert [date.isoformat() for date in dates] == [
        "2026-10-24T08:00:00+02:00", "2026-10-25T08:00:00+01:00", "2026-10-26T08:00:00+01:00",
    ]  # fmt: skip
    assert schedule.dates.latest(datetime(2026, 10, 24, tzinfo=UTC)) is None
    assert schedule.dates.latest(datetime(2030, 1, 1, tzinfo=UTC)) == dates[-1]
    assert Schedule(after=["a"]).upcoming(dates[0], 1) == ()


def test_a_local_time_that_exists_twice_is_the_first_and_an_offset_selects():
    assert Schedule(at="2026-10-25T02:30", timezone="Europe/Berlin").at.isoformat() == "2026-10-25T02:30:00+02:00"
    assert Schedule(at="2026-10-25T02:30+01:00", timezone="Europe/Berlin").at.isoformat() == "2026-10-25T02:30:00+01:00"


@settings(deadline=None)
@given(
    every=st.timedeltas(timedelta(seconds=1), timedelta(days=3)),
    anchor=st.datetimes(*YEARS, timezones=st.just(BERLIN)),
    moment=st.datetimes(*YEARS, timezones=st.just(UTC)),
)
def test_every_counts_elapsed_time_from_its_anchor(every, anchor, moment):
    dates = EveryDates(every, anchor)
    last, following = dates.latest(moment), dates.after(moment)
    assert last <= moment < following == last + every
    assert (last - anchor.astimezone(UTC)) % every == timedelta()


@settings(max_examples=500, deadline=None)
@given(text=st.text(alphabet="0123456789*/-,#@lmonfrRHW? \t\x00ä", max_size=20))
def test_no_text_makes_more_than_a_spec_error(text):
    try:
        schedule = Schedule(cron=[text])
    except SpecError:
        return
    assert schedule.upcoming(datetime(2026, 1, 1, tzinfo=UTC), 1)


@pytest.mark.parametrize(
    "rules",
    [
        ScheduleRules(),
        ScheduleRules(
            timedelta(minutes=5), timedelta(hours=1), {"url": "a", "list": [{"b": 1}]}, watch=True, coalesce=False
        ),
    ],
)
def test_the_marker_carries_what_the_scheduler_needs(rules):
    marker = Marker(schedule=rules)
    assert Marker.read(json.loads(json.dumps(marker.dump()))) == marker
    assert Marker.read(Marker().dump()).schedule is None


@pytest.mark.parametrize(
    "wrong", [5, {"jitter": 0}, {"misfire_grace": "1h"}, {"conf": []}, {"watch": 1}, {"coalesce": None}]
)
def test_a_wrong_marker_is_refused(wrong):
    with pytest.raises(ValueError, match="invalid marker"):
        Marker.read({"priority": 0, "schedule": wrong})


def test_rules_are_those_of_the_spec():
    schedule = Schedule(watch={"python": "a:b"}, misfire_grace="1h", conf={"url": "x"})
    assert ScheduleRules.of(schedule) == ScheduleRules(None, timedelta(hours=1), {"url": "x"}, watch=True)
