"""Inputs that once cost a result, a payload or a minute."""

import time

import pytest

from airflow_mcp_provider.errors import InvalidPayload, SpecError, SubtaskError
from airflow_mcp_provider.runtime import command, redaction
from airflow_mcp_provider.runtime.json_values import plain, reject_duplicates


def sh(text):
    return {"shell": text}


def test_a_byte_order_mark_is_no_part_of_a_result(do):
    assert do(sh("printf '\\357\\273\\277{\"rows\": 7}\\n'")) == {"rows": 7}


@pytest.mark.parametrize("text", ['{"rows": 7', '{\n  "rows": 7\n}', '{"rows": 7,}', "[\n1\n]"])
def test_a_part_of_json_is_no_result(do, text):
    with pytest.raises(SubtaskError, match="incomplete JSON"):
        do(sh(f"printf '%s\\n' '{text}'"))


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"x": [{"a": 1, "a": 1}]}'])
def test_a_name_twice_is_an_error(do, text):
    with pytest.raises(InvalidPayload, match="duplicate name 'a'"):
        do(sh(f"echo '{text}'"))
    with pytest.raises(InvalidPayload, match="duplicate name 'a'"):
        do(sh(f"echo '{text}' > \"$MCP_ENQUEUE\""))


def test_a_name_twice_is_found_among_many():
    """Each compared with all others, they take hours: the test's own time limit ends it."""
    names = [str(number) for number in range(300_000)]
    with pytest.raises(InvalidPayload, match="duplicate name '299999'"):
        reject_duplicates([(name, 0) for name in [*names, names[-1]]])


@pytest.mark.parametrize("payload", ['"a.txt"', "[1]", "null"])
def test_a_payload_that_is_no_object_beside_a_key_is_an_error(do, payload):
    with pytest.raises(InvalidPayload, match=r"invalid payload .* in a line with key; expected a JSON object"):
        do(sh(f"""echo '{{"payload": {payload}, "key": "k"}}' > "$MCP_ENQUEUE" """))


def test_a_line_without_an_end_is_refused_and_not_kept(do):
    with pytest.raises(InvalidPayload, match="too long; expected at most 1000000 bytes"):
        do(sh("head -c 30000000 /dev/zero | tr '\\0' x > \"$MCP_ENQUEUE\""), hard="60s")


def test_a_slow_log_costs_no_result(do, monkeypatch):
    """More is printed than a pipe holds, and the log takes it slowly, for longer than an ended command is waited for."""

    class Slow:
        def write(self, _):
            time.sleep(0.0005)

        def flush(self):
            pass

    monkeypatch.setattr("sys.stdout", Slow())
    monkeypatch.setattr(command, "_GRACE_S", 0.1)
    assert do(sh("yes $(printf %0100d 0) | head -1000; echo '{\"rows\": 7}'")) == {"rows": 7}


def test_many_payloads_at_once_are_sent_in_parts(do, ledger, module):
    work = module(
        "from airflow_mcp_provider.runtime import enqueue_many\n"
        "def f(subtask):\n    return enqueue_many({'n': n, 'x': 'x' * 30_000} for n in range(2_400))\n"
    )
    assert do({"python": f"{work}:f"}, {"a": 1}) == 2_400
    assert len(ledger.children) == 2_400


def test_a_value_that_holds_another_one_twice_has_an_end():
    value: list[object] = []
    for _ in range(60):
        value = [value, value]
    with pytest.raises(InvalidPayload, match=r"too many values, .*expected at most 1000000"):
        plain(value, "payload")


def test_a_payload_goes_to_no_parameter_with_a_default_of_another_kind(do, module):
    work = module("def f(dry_run=False):\n    return dry_run\ndef g(subtask=None):\n    return subtask\n")
    with pytest.raises((SpecError, SubtaskError), match="has no parameter for subtask"):
        do({"python": f"{work}:f"}, {"a": 1})
    assert do({"python": f"{work}:g"}, {"a": 1}) == {"a": 1}


def test_a_circle_of_causes_has_an_end(do, module):
    work = module("a, b = ValueError('a'), KeyError('b')\na.__cause__, b.__cause__ = b, a\nraise a\n")
    with pytest.raises((SpecError, SubtaskError), match="a"):
        do({"python": f"{work}:f"}, {"a": 1}, hard="30s")


def test_what_looks_like_the_beginning_of_many_tokens_is_read_once():
    """Read anew from each of them, this takes hours: the test's own time limit ends it."""
    assert redaction.text("eyJ" * 300_000) == "eyJ" * 300_000
