"""Times that rows have."""

from datetime import UTC, datetime, timedelta

import pytest

from airflow_mcp_provider.plugin.db import clock


@pytest.mark.parametrize("text", ["2026-01-01T00:00:05+00:00", "2026-01-01T02:00:05+02:00", "2026-01-01T00:00:05Z"])
def test_a_parsed_time_keeps_its_zone_in_sums(text):
    found = clock.parsed(text)
    assert found == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
    assert found - timedelta(seconds=5) == datetime(2026, 1, 1, tzinfo=UTC)
    assert found + timedelta(seconds=5) > clock.parsed("2026-01-01T00:00:09Z")


@pytest.mark.parametrize("text", [None, 5, "", "2026-01-01T00:00:05", "x", "0001-01-01T00:00:00+23:00"])
def test_what_is_no_time_with_a_zone(text):
    assert clock.parsed(text) is None
