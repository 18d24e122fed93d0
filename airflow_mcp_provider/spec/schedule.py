"""``schedule``: when a job's runs are created without a person or a program that submits them.

Built when a spec with a schedule is read. The factory makes Airflow's timetable or assets of it.
"""

from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from airflow_mcp_provider.spec.cron import checked_all, fields_of
from airflow_mcp_provider.spec.cron_dates import CronDates
from airflow_mcp_provider.spec.durations import TimeLimit
from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.job_id import JobId
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.moment import Moment, Zone
from airflow_mcp_provider.spec.run_dates import ANCHOR, AtDates, BoundedDates, EveryDates
from airflow_mcp_provider.spec.schedule_checks import check_bounds, check_events, check_every
from airflow_mcp_provider.spec.values import FrozenDict, Listed, Text, frozen_json
from airflow_mcp_provider.spec.watch import Watch

_CRON = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
KINDS = ("cron", "every", "at", "after", "watch")


def _conf(value: object) -> FrozenDict:
    if not isinstance(value, dict):
        raise fault("invalid value", expected="a mapping of params and their values")
    return FrozenDict(frozen_json(value))  # type: ignore[arg-type]  # a mapping stays one


def _one_or_more(value: object) -> object:
    if not isinstance(value, str | list | tuple):
        raise fault("invalid value", expected="a cron expression such as @daily, or a list of them")
    return (value,) if isinstance(value, str) else value


def _each_once(jobs: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(jobs)) < len(jobs):
        raise fault("duplicate job", given=", ".join(jobs), expected="each job once")
    return jobs


class Schedule(Part):
    """When runs are created; exactly one of ``cron``, ``every``, ``at``, ``after`` and ``watch`` is set.

    ``at``, ``start`` and ``end`` are aware datetimes in ``timezone``.
    """

    # First: the validation of dates looks at it.
    timezone: Zone = Field(
        default="UTC",
        description="The IANA time zone of cron and of dates without an offset.",
        examples=["Europe/Berlin"],
    )
    cron: Annotated[
        tuple[Text, ...], AfterValidator(checked_all), Listed, BeforeValidator(_one_or_more), WithJsonSchema(_CRON)
    ] = Field(
        default=(),
        description="A cron expression of five fields or a macro such as @daily, or a list of them.",
        examples=["0 8 * * mon-fri", "@daily", ["0 8 * * *", "30 17 * * fri"]],
    )
    every: TimeLimit | None = Field(
        default=None, description="The time between two runs, counted from start.", examples=["15m"]
    )
    at: Moment | None = Field(
        default=None, description="The date of the only scheduled run.", examples=["2026-12-01T09:00"]
    )
    after: Annotated[tuple[JobId, ...], AfterValidator(_each_once), Listed] = Field(
        default=(),
        description="Ids of jobs. A run is created when each of them has completed a run since the last one.",
        examples=[["crawl_site"]],
    )
    watch: Watch | None = Field(
        default=None,
        description="A check in the triggerer that starts a run when it reports pending work.",
        examples=[{"python": "my_pkg.inbox:pending", "every": "30s"}],
    )
    start: Moment | None = Field(
        default=None, description="No run is scheduled before this date.", examples=["2026-12-01T00:00"]
    )
    end: Moment | None = Field(
        default=None, description="No run is scheduled after this date.", examples=["2027-01-01T00:00"]
    )
    jitter: TimeLimit | None = Field(
        default=None,
        description="A scheduled run starts up to this time later, so that many jobs do not start at once.",
        examples=["5m"],
    )
    conf: Annotated[dict[str, Any], PlainValidator(_conf), WithJsonSchema({"type": "object"})] = Field(
        default_factory=FrozenDict,
        description="The params of scheduled runs; they must match params.",
        examples=[{"url": "https://example.com"}],
    )
    misfire_grace: TimeLimit | None = Field(
        default=None,
        description="A scheduled run that could not start within this time is dropped, with a reason.",
        examples=["1h"],
    )
    coalesce: bool = Field(
        default=True, description="Whether missed dates result in one run, that of the latest, or in a run for each."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [name for name in KINDS if getattr(self, name)]
        if len(given) != 1:
            wrong = "conflicting keys" if given else "missing key"
            raise fault(wrong, given=" and ".join(given), expected=f"exactly one of {', '.join(KINDS)}")
        check_every(self.every, self.timezone)
        check_events(self.kind, self.jitter, coalesce=self.coalesce)
        check_bounds(self.start, self.end, self.kind, self.dates)
        return self

    @property
    def kind(self) -> str:
        """The name of the one that is set of cron, every, at, after and watch."""
        return next(name for name in KINDS if getattr(self, name))

    @property
    def dates(self) -> BoundedDates | None:
        """When runs are due; None for after and watch, whose runs have no dates in advance."""
        zone = ZoneInfo(self.timezone)
        if self.cron:
            return BoundedDates(CronDates(tuple(map(fields_of, self.cron)), zone), self.start, self.end)
        if self.every:
            anchor = self.start or ANCHOR.replace(tzinfo=zone)
            return BoundedDates(EveryDates(self.every, anchor), self.start, self.end)
        return BoundedDates(AtDates(self.at)) if self.at else None

    def upcoming(self, moment: datetime, count: int) -> tuple[datetime, ...]:
        """Return the next ``count`` dates later than ``moment``, in the time zone; fewer if the schedule ends."""
        dates, zone = self.dates, ZoneInfo(self.timezone)
        return tuple(date.astimezone(zone) for date in islice(dates.all_after(moment), count)) if dates else ()
