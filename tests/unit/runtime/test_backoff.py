import pytest

from airflow_mcp_provider.runtime.backoff import Tries


@pytest.mark.parametrize(
    ("tries", "pauses"),
    [
        (Tries(3, 60, 2, 600), [60, 120, 240, 480, 600, 600]),
        (Tries(3, 1, 1, 600), [1, 1, 1]),
        (Tries(3, 0, 2, 600), [0, 0]),
    ],
)
def test_each_pause_is_longer_up_to_the_longest(tries, pauses):
    assert [tries.pause(n) for n in range(1, len(pauses) + 1)] == pauses


def test_a_number_too_large_to_hold_is_the_longest():
    assert Tries(100, 60, 100, 600).pause(400) == 600
