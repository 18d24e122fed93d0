"""Schedules of every hour are tested at half past, for a run of the tests may be long, and an hour ends in it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine


@pytest.fixture(autouse=True)
def half_past() -> Iterator[None]:
    with time_machine.travel(datetime.now(UTC).replace(minute=30)):
        yield
