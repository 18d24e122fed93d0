import json
import os
from itertools import product
from urllib.parse import unquote_to_bytes

import pytest
from inventory.names import from_text, to_text

from tests.unit.dags.hostile import NAMES


@pytest.mark.parametrize("raw", NAMES)
def test_a_name_comes_back_as_it_was(raw):
    text = to_text(os.fsdecode(raw))
    assert text.isprintable()
    assert json.loads(json.dumps(text)).encode() == text.encode()
    assert unquote_to_bytes(text) == os.fsencode(from_text(text)) == raw


def test_every_pair_of_bytes_comes_back_and_no_two_names_become_one():
    names = [bytes(pair) for pair in product(range(1, 256), repeat=2) if ord("/") not in pair]
    texts = [to_text(os.fsdecode(name)) for name in names]
    assert [unquote_to_bytes(text) for text in texts] == names
    assert len(set(texts)) == len(names)


def test_plain_names_stay_as_they_are():
    for name in ("a.py", "with space", "日本語", "é", "'quotes\""):
        assert to_text(name) == name


def test_what_does_not_print_is_escaped_as_in_a_url():
    assert to_text("50%\n\x1b") == "50%25%0A%1B"
    assert to_text(os.fsdecode(b"\xff")) == "%FF"
