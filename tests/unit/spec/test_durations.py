from datetime import timedelta

import pytest
from pydantic_core import PydanticCustomError

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import Retries, Timeouts, human
from airflow_mcp_provider.spec.durations import parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("500ms", 0.5),
        ("1d2h3m4s5ms", 93_784.005),
        ("0s", 0),
        (90, 90),
        (1.5, 1.5),
        (0, 0),
        (timedelta(minutes=3), 180),
        ("1000d", 86_400_000),
    ],
)
def test_reads_what_people_write(written, seconds):
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "wrong",
    [
        *("", " ", "5", "5 minutes", "5m ", " 5m", "m", "-5m", "1.5h", "30m1h", "5m5m", "5M", "\u0665m", "5m\n", "ms"),
        *("9" * 10 + "s", None, True, [], {}, "P1D", float("nan")),
    ],
)
def test_refuses_what_is_no_duration(wrong):
    with pytest.raises(PydanticCustomError, match="invalid duration"):
        parse_duration(wrong)


@pytest.mark.parametrize("wrong", [-1, "1001d", "999999999d", 10**30, float("inf"), timedelta(days=1001), -0.5])
def test_refuses_what_is_out_of_range(wrong):
    with pytest.raises(PydanticCustomError, match="duration out of range:"):
        parse_duration(wrong)


@pytest.mark.parametrize("wrong", [0.0001, timedelta(microseconds=1), 1 / 3])
def test_refuses_what_it_could_not_write_back(wrong):
    with pytest.raises(PydanticCustomError, match="invalid fraction of a millisecond"):
        parse_duration(wrong)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (90, "1m30s"), (5400, "1h30m"), (0.5, "500ms"), (86_400, "1d"), (93_784.005, "1d2h3m4s5ms")],
)
def test_writes_the_shortest_human_form(seconds, text):
    assert human(timedelta(seconds=seconds)) == text


def test_what_is_written_is_read_back():
    for milliseconds in (*range(0, 200_000_000, 7_654_321), 1, 999, 1000, 86_400_000_000):
        duration = timedelta(milliseconds=milliseconds)
        assert parse_duration(human(duration)) == duration


def test_a_spec_writes_durations_in_human_form():
    assert Timeouts(soft="90s", run=7200).model_dump(mode="json") == {
        "soft": "1m30s",
        "hard": None,
        "run": "2h",
        "queue": None,
    }


def test_the_error_gives_an_example():
    with pytest.raises(SpecError) as raised:
        Retries(delay="5 minutes")
    assert str(raised.value) == (
        'delay: invalid duration "5 minutes"; expected for example 90s, 5m, 1h30m, 2d, 500ms, or a number of seconds'
    )
