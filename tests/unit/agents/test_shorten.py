"""Sizes are those of the JSON that is sent; what is cut fits, and says so."""

import json

from hypothesis import given
from hypothesis import strategies as st

from airflow_mcp_provider.agents.shorten import MARK, cut, dumped, first, last, size, without_trace

TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\\n\0é🙂\u202e\u200b'), max_size=200)


@given(TEXTS, st.integers(10, 150))
def test_a_cut_text_fits_and_is_the_beginning(text, most):
    found = cut(text, most)
    assert size(found) <= most + 2
    assert found == text or (found.endswith(MARK) and text.startswith(found[: -len(MARK)]))
    if size(text) <= most + 2:
        assert found == text


@given(st.recursive(TEXTS | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_what_is_dumped_is_the_same_and_can_be_seen(value):
    text = dumped(value)
    assert json.loads(text) == value
    assert text.isprintable()


def test_invisible_characters_are_escaped_and_halves_replaced():
    assert dumped("a\u202eb\u200bc") == r'"a\u202eb\u200bc"'
    assert dumped("a\ud800b") == '"a?b"'
    assert dumped("ü 🙂") == '"ü 🙂"'


def test_a_traceback_has_no_source_code():
    trace = 'Traceback (most recent call last):\n  File "/dags/a.py", line 3, in <module>\n    KEY = "x"\nKeyError: 1\n'
    assert without_trace(trace) == "KeyError: 1"
    assert (
        without_trace("jobs/a.yaml:3: run: missing\njobs/a.yaml:4: x")
        == "jobs/a.yaml:3: run: missing\njobs/a.yaml:4: x"
    )


def test_the_first_and_the_last_that_fit():
    items = ["aaaa", "bbbb", "cccc"]  # 7 bytes each, with quotes and a comma
    assert first(items, 14) == ["aaaa", "bbbb"]
    assert last(items, 20) == ["bbbb", "cccc"]
    assert first(items, 6) == last(items, 6) == []
