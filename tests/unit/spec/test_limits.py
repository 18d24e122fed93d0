from datetime import timedelta

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import Queue, Retries, Subtasks, Timeouts

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("part", "field", "least", "most"),
    [
        (Retries, "attempts", 1, 100),
        (Retries, "backoff", 1, 100),
        (Subtasks, "parallelism", 1, 10_000),
        (Subtasks, "batch", 1, 500),
        (Subtasks, "depth", 0, 10_000),
        (Subtasks, "limit", 1, 1_000_000),
        (Queue, "priority", -1000, 1000),
    ],
)
def test_ranges(part, field, least, most):
    assert getattr(part(**{field: least}), field) == least
    assert getattr(part(**{field: most}), field) == most
    for wrong, told in ((least - 1, "number too small"), (most + 1, "number too large")):
        with pytest.raises(SpecError) as raised:
            part(**{field: wrong})
        assert str(raised.value) == f"{field}: {told}: {wrong}; expected a number from {least} to {most}"
    for wrong in (
        "5",
        True,
        None if field != "parallelism" else [],
        [1],
        float("nan"),
        1.5 if field != "backoff" else "x",
    ):
        with pytest.raises(
            SpecError,
            match=rf"^{field}: (invalid value .*; expected an? (integer|number)|invalid number .*; expected a finite number)",
        ):
            part(**{field: wrong})


def test_the_longest_delay_follows_a_long_delay():
    assert Retries().max_delay == 10 * MINUTE
    assert Retries(delay="15m").max_delay == 15 * MINUTE
    assert Retries(delay="0s").delay == timedelta()
    with pytest.raises(SpecError) as raised:
        Retries(delay="15m", max_delay="10m")
    assert str(raised.value) == "max_delay: duration too short: 10m; expected at least 15m, the value of delay"


def test_exceptions_are_class_names():
    assert Retries(never_on=["ValueError", "my_pkg.errors.Gone"]).never_on == ("ValueError", "my_pkg.errors.Gone")
    for wrong in ("", "a b", "a.", "1a", "a:b", "é", "a\n"):
        with pytest.raises(SpecError, match=r"^only_on\.0: invalid exception name"):
            Retries(only_on=[wrong])
    with pytest.raises(SpecError, match=r"^never_on: invalid value \"ValueError\"; expected a list"):
        Retries(never_on="ValueError")


def test_an_exception_is_not_both():
    with pytest.raises(SpecError) as raised:
        Retries(never_on=["A", "B"], only_on=["B", "C"])
    assert str(raised.value) == (
        "only_on: exception that is also in never_on: B; expected each exception in one of the two"
    )


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"soft": 1},
        {"hard": 1},
        {"run": 1},
        {"soft": 1, "hard": 2},
        {"soft": 1, "run": 2},
        {"hard": 2, "run": 2},
        {"soft": "999ms", "hard": 1, "run": 1},
    ],
)
def test_time_limits_in_order(limits):
    Timeouts(**limits)


@pytest.mark.parametrize(
    ("limits", "wrong"),
    [
        ({"soft": "5m", "hard": "5m"}, "hard: time limit too short: 5m; expected more than 5m"),
        ({"soft": "5m", "hard": "1m"}, "hard: time limit too short: 1m; expected more than 5m"),
        ({"hard": "5m", "run": "1m"}, "run: time limit too short: 1m; expected at least 5m, the value of hard"),
        ({"soft": "5m", "run": "5m"}, "run: time limit too short: 5m; expected more than 5m"),
        ({"soft": 0}, "soft: invalid time limit 0; expected more than 0s, for example 90s"),
        ({"hard": -1}, "hard: duration out of range: -1; expected 0s to 1000d"),
    ],
)
def test_time_limits_out_of_order(limits, wrong):
    with pytest.raises(SpecError) as raised:
        Timeouts(**limits)
    assert str(raised.value).startswith(wrong)


@pytest.mark.parametrize("key", ["", "  ", 5, "a\0"])
def test_the_key_is_a_name(key):
    with pytest.raises(SpecError, match=r"^key: (blank key|invalid value|unsupported characters)"):
        Subtasks(key=key)


def test_the_key_may_be_a_text_with_several():
    assert Subtasks(key="{os} {py}").key == "{os} {py}"
    with pytest.raises(SpecError, match=r'^key: invalid brace "\{" in'):
        Subtasks(key="{os")
