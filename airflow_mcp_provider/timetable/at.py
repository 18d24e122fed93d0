"""The timetable of ``schedule.at``: one date."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from airflow_mcp_provider.spec.run_dates import AtDates, BoundedDates
from airflow_mcp_provider.timetable.base import EPOCH, DatesTimetable, Frame


class AtTimetable(DatesTimetable):
    """Runs once, at ``at``. If the DAG is added later, the date is a missed one: its run is created at once."""

    periodic = False

    def __init__(self, at: datetime, frame: Frame) -> None:
        super().__init__(BoundedDates(AtDates(at)), frame)
        self.at = at

    @property
    def summary(self) -> str:
        """The date, for the list of DAGs."""
        return f"at {self.at:%Y-%m-%d %H:%M}"

    @property
    def description(self) -> str:  # type: ignore[override]  # an attribute of Timetable
        """The date, with the time zone."""
        return self.frame.describe(f"Once, at {self.at:%Y-%m-%d %H:%M}")

    def serialize(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"at": self.at.isoformat(), **self.frame.dump()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Self:
        """Return the inverse of ``serialize``."""
        return cls(datetime.fromisoformat(data["at"]), Frame.read(data))

    def _first(self, _: datetime) -> datetime | None:
        return self.dates.after(EPOCH)
