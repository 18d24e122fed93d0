"""The dates of a schedule: when its runs are due. Pure functions of the schedule, without a clock.

Used by the timetables, in the DAG processor, the scheduler and the API server, and by ``airflow mcp explain``.
All dates are aware; what is returned is in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

ANCHOR = datetime(2024, 1, 1)  # noqa: DTZ001 - local time of a zone
"""From which ``every`` is counted without ``start``: a Monday at midnight, in the zone of the schedule."""
_BEFORE = timedelta(microseconds=1)


class RunDates(Protocol):
    """Dates in ascending order, possibly without an end."""

    def after(self, moment: datetime) -> datetime | None:
        """Return the first date later than ``moment``; None if there is none."""

    def latest(self, moment: datetime) -> datetime | None:
        """Return the last date that is not later than ``moment``; None if there is none."""


@dataclass(frozen=True)
class EveryDates:
    """``anchor``, and what is a multiple of ``every`` from it, in elapsed time: no clock is looked at."""

    every: timedelta
    anchor: datetime

    def after(self, moment: datetime) -> datetime:
        """Return the first date later than ``moment``."""
        return self.latest(moment) + self.every

    def latest(self, moment: datetime) -> datetime:
        """Return the last date that is not later than ``moment``."""
        anchor = self.anchor.astimezone(UTC)
        return anchor + (moment.astimezone(UTC) - anchor) // self.every * self.every


@dataclass(frozen=True)
class AtDates:
    """One date."""

    at: datetime

    def after(self, moment: datetime) -> datetime | None:
        """Return the date if it is later than ``moment``."""
        return self.at.astimezone(UTC) if moment < self.at else None

    def latest(self, moment: datetime) -> datetime | None:
        """Return the date if it is not later than ``moment``."""
        return self.at.astimezone(UTC) if self.at <= moment else None


@dataclass(frozen=True)
class BoundedDates:
    """Those of ``dates`` that are from ``start`` to ``end``; both are included, None is no bound."""

    dates: RunDates
    start: datetime | None = None
    end: datetime | None = None

    def after(self, moment: datetime) -> datetime | None:
        """Return the first date later than ``moment``; None after ``end``."""
        found = self.dates.after(max(moment, self.start - _BEFORE) if self.start else moment)
        return None if found and self.end and found > self.end else found

    def latest(self, moment: datetime) -> datetime | None:
        """Return the last date that is not later than ``moment``; None before ``start``."""
        found = self.dates.latest(min(moment, self.end) if self.end else moment)
        return None if found and self.start and found < self.start else found

    def all_after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the dates later than ``moment``, possibly without an end."""
        found = self.after(moment)
        while found is not None:
            yield found
            found = self.after(found)
