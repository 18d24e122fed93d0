from dataclasses import FrozenInstanceError
from decimal import Decimal

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import Subtasks, Tolerate


@pytest.mark.parametrize(
    ("written", "value", "text"),
    [
        (3, Tolerate(count=3), "3"),
        ("3", Tolerate(count=3), "3"),
        (0, Tolerate(count=0), "0"),
        ("5%", Tolerate(percent=Decimal(5)), "5%"),
        ("0.5%", Tolerate(percent=Decimal("0.5")), "0.5%"),
        ("100%", Tolerate(percent=Decimal(100)), "100%"),
    ],
)
def test_reads_and_writes(written, value, text):
    assert Tolerate.of(written) == value
    assert str(value) == text
    assert Tolerate.of(text) == value


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            "",
            "-1",
            "5 %",
            "%",
            "5%%",
            "0%",
            "0.0%",
            "101%",
            "100.000001%",
            "1e1%",
            "five",
            "\u0665",
            "3\n",
            "9" * 5000,
        ),
        *(-1, 1.5, True, None, [], {}, pytest.param(10**5000, id="huge"), "1.5", "0.1234567%"),
    ],
)
def test_refuses(wrong):
    with pytest.raises(SpecError, match="tolerate"):
        Tolerate.of(wrong)
    with pytest.raises(
        SpecError, match=r"tolerate: invalid value .*; expected a number such as 3, or a percentage of all subtasks"
    ):
        Subtasks(tolerate=wrong)


@pytest.mark.parametrize(
    ("written", "failed", "total", "allowed"),
    [
        ("0", 0, 10, True),
        ("0", 1, 10, False),
        ("3", 3, 3, True),
        ("3", 4, 100, False),
        ("5%", 1, 20, True),
        ("5%", 1, 19, False),
        ("5%", 0, 0, True),
        ("100%", 7, 7, True),
        ("0.1%", 1, 1000, True),
        ("0.1%", 1, 999, False),
        # In floats 0.07 * 100 is more than 7, and 29% of 100 less than 29.
        ("7%", 7, 100, True),
        ("29%", 29, 100, True),
        ("29%", 30, 100, False),
        ("33.333333%", 33_333_333, 100_000_000, True),
        ("33.333333%", 33_333_334, 100_000_000, False),
    ],
)
def test_allows(written, failed, total, allowed):
    assert Tolerate.of(written).allows(failed, total) is allowed


def test_is_one_or_the_other():
    with pytest.raises(SpecError, match="both or none of count and percent"):
        Tolerate()
    with pytest.raises(SpecError, match="both or none of count and percent"):
        Tolerate(count=1, percent=Decimal(1))
    with pytest.raises(SpecError, match="negative number -1"):
        Tolerate(count=-1)
    with pytest.raises(SpecError, match="percentage out of range"):
        Tolerate(percent=Decimal("NaN"))


def test_is_frozen():
    with pytest.raises(FrozenInstanceError):
        Tolerate(count=1).count = 2
