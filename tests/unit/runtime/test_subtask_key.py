"""Keys that nobody gave: to be read by people, and never those of another payload."""

from __future__ import annotations

import pytest

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime.payload import child_of


def test_default_keys():
    assert child_of({"item": "a"}, None, None).key == "a"
    assert child_of({"item": 5}, None, None).key == "5"
    first, second = (child_of({"a": 1, "b": n}, None, None).key for n in (1, 2))
    assert len(first) == 16
    assert first != second
    assert first == child_of({"b": 1, "a": 1}, None, None).key


def test_a_boolean_is_not_the_text_of_it():
    assert child_of({"item": True}, None, None).key == "true"
    assert child_of({"a": True}, None, "a").key == "true"
    assert child_of({"item": "True"}, None, None).key == "True"


def test_a_key_of_several_fields():
    payload = {"os": "linux", "py": 3, "more": None}
    assert child_of(payload, None, "{os} {py}").key == "linux 3"
    assert child_of(payload, "own", "{os} {py}").key == "own"
    with pytest.raises(
        InvalidPayload,
        match=r"missing field cpu in the payload, for subtasks.key '\{os\} \{cpu\}'; fields of the payload: more, os, py",
    ):
        child_of(payload, None, "{os} {cpu}")


def test_the_key_of_another_jobs_run_is_the_job_and_its_payload():
    """Neither this job's key field nor a lone item: the payload is that job's, and may be like one of this job's."""
    child = child_of({"b": 1, "a": "x"}, None, "a", "other")
    assert (child.key, child.job) == ('other {"a":"x","b":1}', "other")
    assert child_of({"item": 1}, None, None, "other").key == 'other {"item":1}'
    assert child_of({"item": 1}, "named", None, "other").key == "named"
    long = [child_of({"x": "y" * count}, None, None, "other").key for count in (200, 201)]
    assert all(len(key) == len("other ") + 16 for key in long)
    assert len({*long}) == 2
    for job in ("", 5, ["a"]):
        with pytest.raises(InvalidPayload, match=r"invalid job .*; expected the id of a job, a string"):
            child_of({}, "key", None, job)


def key_of(payload, key_field=None, job=None):
    return child_of(payload, None, key_field, job).key


ALIKE = (1, "1", '"1"', 1.0, "1.0", True, "true", "True", 0.0, -0.0, "-0.0", "null", "NaN", "a", '"a"', 1e16, "1e+16")


@pytest.mark.parametrize(
    ("key_field", "payload_of"),
    [
        (None, lambda value: {"item": value}),
        ("a", lambda value: {"a": value}),
        ("{a}", lambda value: {"a": value}),
        ("x {a} y", lambda value: {"a": value}),
        ("{a}{b}", lambda value: {"a": value, "b": 1}),
    ],
)
def test_values_of_different_types_have_different_keys(key_field, payload_of):
    keys = [key_of(payload_of(value), key_field) for value in ALIKE]
    assert len({*keys}) == len(ALIKE)


def test_keys_are_to_be_read():
    """A number has its digits, a text its letters; what could be taken for something else is quoted."""
    shown = {1: "1", "1": '"1"', "v1": "v1", "007": "007", "a b": "a b", "null": '"null"', "é 1": "é 1", "[1]": '"[1]"'}
    assert {value: key_of({"a": value}, "a") for value in shown} == shown
    assert key_of({"os": "linux", "py": "3.12"}, "{os} {py}") == 'linux "3.12"'
    assert key_of({"os": "linux", "py": 3.12}, "{os} {py}") == "linux 3.12"


def test_a_lone_item_is_not_the_hash_of_another_payload():
    digest = key_of({"a": 1})
    assert key_of({"item": digest}) == f'"{digest}"'
    assert key_of({"item": None}) != key_of({"item": "null"})
    hashes = [key_of({"a": number}) for number in range(20_000)]
    assert not any(one.isdecimal() for one in hashes)
    assert len({*hashes}) == 20_000


def test_a_text_is_not_a_run_of_another_job():
    run = key_of({"a": 1}, None, "other")
    long = key_of({"a": "x" * 200}, None, "other")
    for text in (run, long):
        assert key_of({"item": text}) != text
        assert key_of({"a": text}, "a") != text
        job, _, rest = text.partition(" ")
        assert key_of({"a": job, "b": rest}, "{a} {b}") != text


@pytest.mark.parametrize(
    ("key_field", "first", "second"),
    [
        ("{a}/{b}", ("x/y", "z"), ("x", "y/z")),
        ("{a}{b}", ("x", "yz"), ("xy", "z")),
        ("{a}{b}", (1, 23), (12, 3)),
        ("{a}-{b}", ("a-", "b"), ("a", "-b")),
        ("{a}--{b}", ("a-", "b"), ("a", "-b")),
        ("{a}-{b}", (1, -2), ("1-", 2)),
        ("{a}.{b}", (1.5, 2), (1, 5.2)),
        ("{a}{{{b}", ("x{", "y"), ("x", "{y")),
        ("{a},{b}", ([1, 2], 3), ("[1", "2],3")),
        ("{a}/{b}", (None, {"x": 1}), ("null", '{"x":1}')),
    ],
)
def test_a_key_of_several_fields_tells_each_of_them(key_field, first, second):
    keys = [key_of({"a": a, "b": b}, key_field) for a, b in (first, second)]
    assert keys[0] != keys[1]


def test_a_text_with_the_hash_of_other_fields_is_not_theirs():
    doubtful = key_of({"a": "x/y", "b": "z"}, "{a}/{b}")
    assert doubtful.startswith("x/y/z #")
    assert key_of({"a": "x", "b": doubtful.removeprefix("x/")}, "{a}/{b}") != doubtful


def test_the_order_of_a_fields_own_fields_makes_no_key():
    first, second = ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}})
    assert key_of(first, "{a}") == key_of(second, "{a}") == '{"x":1,"y":2}'


def test_the_last_of_several_fields_may_have_anything():
    assert key_of({"a": "x", "b": "y/z"}, "{a}/{b}") == "x/y/z"
