"""Which date of a schedule gets the next run: what the timetables have in common.

Airflow asks after each run that it creates, and each time the DAG is parsed. Without ``catchup``, missed dates result
in one run, that of the latest of them. With it, each has a run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

from airflow_mcp_provider.spec.run_dates import BoundedDates

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The ``start_date`` of a DAG with ``catchup``: Airflow requires one, and would apply it to submitted runs."""
LATE = timedelta(minutes=1)
"""The first run of a schedule without ``start`` is created up to this time after its date.

The DAG may be parsed again between the date and the scheduler's next look.
"""
LONGEST = 1000
"""Characters of a description: the length of the column in Airflow's database."""


@dataclass(frozen=True)
class Frame:
    """The parts that each schedule with dates has: ``start`` and ``end`` are aware dates."""

    timezone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None
    misfire_grace: timedelta | None = None

    def dump(self) -> dict[str, Any]:
        """Return it as JSON, without what is not set."""
        dates = {name: date.isoformat() for name, date in (("start", self.start), ("end", self.end)) if date}
        grace = {"misfire_grace": self.misfire_grace.total_seconds()} if self.misfire_grace else {}
        return {"timezone": self.timezone, **dates, **grace}

    @classmethod
    def read(cls, value: dict[str, Any]) -> Self:
        """Return the inverse of ``dump``; other keys are ignored."""
        start, end = (datetime.fromisoformat(value[name]) if name in value else None for name in ("start", "end"))
        grace = value.get("misfire_grace")
        return cls(value["timezone"], start, end, None if grace is None else timedelta(seconds=grace))

    def describe(self, text: str) -> str:
        """Return the description ``text`` with the time zone and the bounds, cut to the length of Airflow's column."""
        bounds = [f"{word} {date:%Y-%m-%d %H:%M}" for word, date in (("from", self.start), ("to", self.end)) if date]
        whole = " ".join([f"{text} ({self.timezone})", *bounds])
        return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"


class DatesTimetable(Timetable):
    """A timetable of the dates ``dates``. Each run has its date as logical date and as both ends of its interval.

    ``clock`` returns the current time.
    """

    def __init__(self, dates: BoundedDates, frame: Frame) -> None:
        self.dates = dates
        self.frame = frame
        self.clock: Callable[[], datetime] = partial(datetime.now, UTC)

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """Return the interval of a submitted run."""
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next run after ``last_automated_data_interval``; None after the last date."""
        last = _plain(last_automated_data_interval.end) if last_automated_data_interval else None
        found = self._next(last, restriction)
        if found is None or (restriction.latest is not None and found > restriction.latest):
            return None
        return DagRunInfo.exact(pendulum.instance(found))

    def _next(self, last: datetime | None, restriction: TimeRestriction) -> datetime | None:
        if restriction.earliest is not None and restriction.earliest > EPOCH:  # a backfill: all dates of a period
            return self.dates.after(last or _plain(restriction.earliest) - timedelta(microseconds=1))
        now = self.clock()
        found = self.dates.after(last) if last else self._first(now)
        missed = self._passed_over(now, catchup=restriction.catchup)
        return max(found, missed) if found and missed else found

    def _first(self, now: datetime) -> datetime | None:
        """Return the date of the first run of the schedule."""
        return self.dates.after(EPOCH if self.frame.start else now - LATE)

    def _passed_over(self, now: datetime, *, catchup: bool) -> datetime | None:
        """Return the date before which missed dates have no run of their own; None if all have one.

        With ``catchup`` those that are too late for ``misfire_grace`` have one run together, which is dropped.
        """
        if not catchup:
            return self.dates.latest(now)
        return self.dates.latest(now - self.frame.misfire_grace) if self.frame.misfire_grace else None


def _plain(moment: pendulum.DateTime) -> datetime:
    """Return a datetime of Python in UTC: the difference of two of pendulum's is no timedelta that divides."""
    utc = moment.astimezone(UTC)
    return datetime.combine(utc.date(), utc.time(), UTC)
