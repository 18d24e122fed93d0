"""What people write as conf, durations and times."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_mcp_provider.console import values
from airflow_mcp_provider.errors import InvalidRequest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("true", True),
        ("null", None),
        ("/usr/share", "/usr/share"),
        ('"5"', "5"),
        ("a=b", "a=b"),
        ("", ""),
        ('["x"]', ["x"]),
        ("[x", "[x"),
        ("NaN", "NaN"),
        ("1e400", "1e400"),
        ('{"a": Infinity}', '{"a": Infinity}'),
    ],
)
def test_a_value_is_json_or_text(text, value):
    assert values.conf([f"k={text}"]) == {"k": value}


def test_files_and_pairs_are_merged_in_their_order(tmp_path):
    file = tmp_path / "conf.json"
    file.write_text(json.dumps({"a": 1, "b": 2}))
    assert values.conf(["a=0", f"@{file}", "b=3"]) == {"a": 1, "b": 3}


@pytest.mark.parametrize("wrong", ["path", "=x", "@nowhere.json", "@{list}"])
def test_wrong_conf(wrong, tmp_path):
    (tmp_path / "list").write_text("[1]")
    with pytest.raises(InvalidRequest):
        values.conf([wrong.format(list=tmp_path / "list")])


def test_durations():
    assert [values.seconds(text, "--timeout") for text in ("90", "1.5", "1m30s", None)] == [90, 1.5, 90, None]
    with pytest.raises(InvalidRequest, match="--grace: invalid duration 'soon'; expected for example 90s"):
        values.seconds("soon", "--grace")


def test_times():
    assert values.moment("2026-01-31T09:00+01:00", "--not-before") == datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert values.moment("2026-01-31T09:00", "--not-before").tzinfo is not None
    soon = values.moment("10m", "--not-before") - datetime.now(UTC)
    assert timedelta(minutes=9) < soon < timedelta(minutes=11)
    with pytest.raises(InvalidRequest, match="invalid time 'tomorrow'"):
        values.moment("tomorrow", "--not-before")
