"""The timetable of ``schedule.cron``: one or more cron expressions in a time zone."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self
from zoneinfo import ZoneInfo

from airflow_mcp_provider.spec.cron import fields_of
from airflow_mcp_provider.spec.cron_dates import CronDates
from airflow_mcp_provider.spec.run_dates import BoundedDates
from airflow_mcp_provider.timetable.base import DatesTimetable, Frame


class CronTimetable(DatesTimetable):
    """Runs at the dates of ``crons``, which are five fields or macros; see ``spec.cron_dates`` for the hours of DST."""

    def __init__(self, crons: tuple[str, ...], frame: Frame) -> None:
        fields = tuple(map(fields_of, crons))
        super().__init__(BoundedDates(CronDates(fields, ZoneInfo(frame.timezone)), frame.start, frame.end), frame)
        self.crons = crons

    @property
    def summary(self) -> str:
        """The expressions, for the list of DAGs."""
        return ", ".join(self.crons)

    @cached_property
    def description(self) -> str:  # type: ignore[override]  # an attribute of Timetable
        """The expressions in words, with the time zone."""
        return self.frame.describe("; ".join(map(_words, self.crons)))

    def serialize(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"crons": [*self.crons], **self.frame.dump()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Self:
        """Return the inverse of ``serialize``."""
        return cls(tuple(data["crons"]), Frame.read(data))


def _words(cron: str) -> str:
    from airflow.timetables.trigger import CronTriggerTimetable  # noqa: PLC0415 - cron_descriptor is slow to import

    minute, hour, day, *rest = fields_of(cron).split()  # cron_descriptor knows the last day as a capital L only
    return CronTriggerTimetable(" ".join((minute, hour, day.upper(), *rest)), timezone="UTC").description or cron
