"""What is told in variables: the largest are left out, until the rest fits."""

from __future__ import annotations

import os

import pytest

from airflow_mcp_provider.runtime import environment

ROOM = 500_000


@pytest.mark.parametrize(
    ("sizes", "left"),
    [
        ({}, set()),
        ({"A": 131_069}, set()),
        ({"A": 131_070}, {"A"}),
        ({"A": 200_000, "B": 10}, {"A"}),
        ({name: 100_000 + at for at, name in enumerate("ABCDEF")}, {"E", "F"}),
        ({str(number): 90 for number in range(10_000)}, {str(number) for number in range(10_000)}),
    ],
)
def test_the_largest_are_left_out_and_named(sizes, left, capsys):
    values = {name: "x" * size for name, size in sizes.items()}
    found = environment.fitting(values, ROOM)
    said = capsys.readouterr().out
    if len(sizes) < 10:
        assert values.keys() - found.keys() == left
    assert sum(len(name) + len(text) + 10 for name, text in found.items()) <= ROOM
    assert bool(said) == bool(left)
    assert all(name in said for name in left if len(left) < 10)


def test_room_is_left_for_what_a_program_starts():
    assert environment.room({}, []) == min(os.sysconf("SC_ARG_MAX"), 6_291_456) // 2
    assert environment.room({"A": "b"}, ["ab"]) == environment.room({}, []) - (3 + 9) - (2 + 9)
