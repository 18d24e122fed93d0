"""The timetable of ``schedule.every``: a duration between two runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from airflow_mcp_provider.spec.durations import human
from airflow_mcp_provider.spec.run_dates import ANCHOR, BoundedDates, EveryDates
from airflow_mcp_provider.timetable.base import DatesTimetable, Frame


class EveryTimetable(DatesTimetable):
    """Runs each ``every``, counted from ``frame.start``, without it from ``run_dates.ANCHOR`` in the time zone."""

    def __init__(self, every: timedelta, frame: Frame) -> None:
        anchor = frame.start or ANCHOR.replace(tzinfo=ZoneInfo(frame.timezone))
        super().__init__(BoundedDates(EveryDates(every, anchor), frame.start, frame.end), frame)
        self.every = every

    @property
    def summary(self) -> str:
        """The duration, for the list of DAGs."""
        return f"every {human(self.every)}"

    @property
    def description(self) -> str:  # type: ignore[override]  # an attribute of Timetable
        """The duration, with the time zone."""
        return self.frame.describe(f"Every {human(self.every)}")

    def serialize(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"every": self.every.total_seconds(), **self.frame.dump()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Self:
        """Return the inverse of ``serialize``."""
        return cls(timedelta(seconds=data["every"]), Frame.read(data))
