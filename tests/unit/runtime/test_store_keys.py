from __future__ import annotations

import pytest

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.payload import Child, batches, child_of, payload_of


def test_plain_values_become_items():
    assert payload_of("x") == {"item": "x"}
    assert payload_of({"x": 1}) == {"x": 1}


def test_row_keys_fit_the_column_and_never_meet():
    keys = ["a", "ä", "x" * 400, "x" * 401, "x" * 402, "with\nnewline", "sha256:abc", "nul\0"]
    rows = [store_keys.row_key(key) for key in keys]
    assert len(set(rows)) == len(keys)
    assert all(len(row) <= 512 and row.isprintable() for row in rows)
    assert store_keys.row_key("http://a/") == "mcp.key.http://a/"


def test_batches_keep_order_and_bounds():
    small = [Child(str(n), {}) for n in range(1200)]
    cut = batches(small)
    assert [len(batch) for batch in cut] == [500, 500, 200]
    assert [child for batch in cut for child in batch] == small
    big = [Child(str(n), {"x": "y" * 30_000}) for n in range(100)]
    assert all(sum(len(str(child)) for child in batch) < 1_100_000 for batch in batches(big))
    assert batches([]) == []


def test_deep_nesting_is_an_invalid_payload():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidPayload):
        child_of({"deep": deep}, None, None)


@pytest.mark.parametrize("value", [2**70, -(2**63) - 1, {1: 0, "1": 0}, {(1,): 0}, [{"a": 2**64}]])
def test_what_the_line_to_airflow_has_not_is_refused_with_its_place(value):
    with pytest.raises(InvalidPayload, match=r" payload\.n"):
        child_of({"n": value}, None, None)


def test_keys_that_sort_badly_are_carried():
    assert child_of({None: 1, "a": 2, 3: 2**64 - 1}, "k", None).payload == {"null": 1, "a": 2, "3": 2**64 - 1}
