"""What a command printed is a result, payloads, text for the log, or an error: never silently less."""

import json

import pytest

from airflow_mcp_provider.errors import InvalidPayload, SubtaskError
from airflow_mcp_provider.runtime.stdout import MOST_CHARS, PLAN_CHARS, LastLine, PlanLines, payloads

DEEP = "[" * 100_000 + "]" * 100_000


def read(reader, text):
    for line in text.split("\n"):
        reader.line(line, whole=True)
    return reader.result()


def planned(text, *, enqueued=False):
    return payloads(read(PlanLines(), text), enqueued=enqueued)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("\n \n", []),
        ("[]", []),
        ("null", []),
        ("looking\nfound 2\n[1, 2]\n", [1, 2]),
        ('{"a": 1}\n\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ('"a"\n"b"', ["a", "b"]),
        ('{"level": "info"}\n["a"]', ["a"]),
        (json.dumps(list(range(3_000))), list(range(3_000))),
    ],
)
def test_a_plan_prints_payloads(text, found):
    assert planned(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "passwd\nshells\n",
        '{"a": 1}\nnot json\n',
        '{"a": 1}\n{"a":',
        "nothing found",
        "true",
        "3",
        "1\n2\n3",
        '{"a": 1}\nnull',
        "found\nnull",
        "[1]\n[2]",
        "[1, 2]\ndone",
        "NaN",
        "\x85null",
        DEEP + "\n[1]",
        '{"a": 1}\n' * (PLAN_CHARS // 8 + 1),
    ],
)
def test_a_plan_that_prints_something_else_is_an_error(text):
    with pytest.raises(InvalidPayload, match=r"invalid line .* in the output of the plan; "):
        planned(text)


def test_a_plan_that_writes_to_the_pipe_may_print_what_it_likes():
    assert planned("3 pages found\n", enqueued=True) == []
    assert planned('{"a": 1}', enqueued=True) == [{"a": 1}]


def test_the_result_file_of_a_plan_is_a_list():
    assert PlanLines().of_file("[1]") == {"payloads": [1]}
    with pytest.raises(InvalidPayload, match="expected a JSON list of payloads"):
        PlanLines().of_file('{"a": 1}')


@pytest.mark.parametrize("reader", [LastLine, PlanLines])
def test_a_line_that_is_too_long_is_an_error(reader):
    one = reader()
    one.line("42", whole=False)
    with pytest.raises(SubtaskError, match=f"expected at most {MOST_CHARS} characters"):
        one.result()


NO_UTF8 = b'["\xff"]'.decode(errors="surrogateescape")


@pytest.mark.parametrize(("text", "message"), [(DEEP, "nested too deeply"), (NO_UTF8, "invalid UTF-8 '\\[\"\ufffd")])
def test_json_that_cannot_be_read_is_an_error(text, message):
    for read_it in (
        lambda: read(LastLine(), text),
        lambda: planned(text),
        lambda: planned(text, enqueued=True),
        lambda: LastLine().of_file(text),
        lambda: PlanLines().of_file(text),
    ):
        with pytest.raises(SubtaskError, match=message) as told:
            read_it()
        assert told.value.kinds == ("InvalidResult",)


def test_a_number_of_any_length_stays_beyond_64_bits():
    assert read(LastLine(), "9" * 5_000) > 2**64
    assert read(LastLine(), "-" + "9" * 5_000) < -(2**64)
    assert read(LastLine(), "9" * 5_000 + " pages") is None
    assert LastLine().of_file("[" + "9" * 5_000 + "]")[0] > 2**64


def test_what_is_no_json_is_for_the_log_whatever_its_bytes():
    assert read(LastLine(), b"caf\xe9".decode(errors="surrogateescape")) is None
    assert planned(b'caf\xe9\n"\xe9"\n{}'.decode(errors="surrogateescape"), enqueued=True) == []
    with pytest.raises(InvalidPayload, match="invalid line '\"\ufffd\"'"):
        planned(b'{}\n"\xe9"'.decode(errors="surrogateescape"))
