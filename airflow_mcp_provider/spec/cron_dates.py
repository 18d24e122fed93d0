"""The dates of cron expressions in a time zone, over changes of its clock.

croniter finds the matching local times; it does not know zones. The rules for the two hours of a change are those of
docs/schedules.md:

- A local time that does not exist is moved by the length of the gap: 02:30 becomes 03:30. Two that coincide are one.
- A local time that exists twice counts once, the first time. Where the expression also matches the hour before or after
  it (``*``, ``1-4``), the schedule repeats every hour, and it counts both times.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from airflow_mcp_provider.errors import SpecError

REACH = timedelta(hours=3)
"""A change of the clock for daylight saving is at most two hours (Antarctica/Troll)."""
_HOURS = 24


@dataclass(frozen=True)
class CronDates:
    """The dates of one or more cron expressions of five fields; one at which several run counts once."""

    crons: tuple[str, ...]
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime | None:
        """Return the first date later than ``moment``, in UTC."""
        return min((date for cron in self.crons if (date := self._nearest(cron, moment, 1))), default=None)

    def latest(self, moment: datetime) -> datetime | None:
        """Return the last date that is not later than ``moment``, in UTC."""
        return max((date for cron in self.crons if (date := self._nearest(cron, moment, -1))), default=None)

    def _nearest(self, cron: str, moment: datetime, way: int) -> datetime | None:
        """Return the nearest date of ``cron`` in the direction ``way``: 1 is later, -1 is earlier or equal.

        Near a change of the clock the dates are not in the order of their local times: all those are looked at that
        the change can bring to the other side.
        """
        margin = 2 * self._change(moment)
        found: datetime | None = None
        limit = datetime.max  # noqa: DTZ901 - local times have no zone here
        for local in _local_times(cron, self._local(moment) - way * margin, way):
            if found is not None and (local - limit) * way > timedelta():
                break
            dates = [date for date in self._dates(cron, local) if (date > moment) == (way > 0)]
            best = min(dates, key=lambda date: abs(date - moment), default=None)
            if best is not None and found is None:
                limit = local + way * max(margin, 2 * self._change(best))
                if limit == local:
                    return best
            if best is not None and (found is None or abs(best - moment) < abs(found - moment)):
                found = best
        return found

    def _dates(self, cron: str, local: datetime) -> tuple[datetime, ...]:
        """Return the one or two dates of a local time."""
        first, second = (local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        return (first, second) if second > first and local.hour in _hours_that_repeat(cron) else (first,)

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def _change(self, moment: datetime) -> timedelta:
        """Return by how much the clock changes near ``moment``."""
        before, after = ((moment + reach).astimezone(self.zone).utcoffset() for reach in (-REACH, REACH))
        return abs((after or timedelta()) - (before or timedelta()))


def _local_times(cron: str, local: datetime, way: int) -> Iterator[datetime]:
    """Yield the matching local times later than ``local``, or backwards those that are not later."""
    # croniter counts whole seconds, and leaves out the time itself.
    found = _croniter(cron, local if way > 0 else local.replace(microsecond=0) + timedelta(seconds=1))
    try:
        while True:
            yield (found.get_next if way > 0 else found.get_prev)(datetime)
    except ValueError:  # CroniterBadDateError: none within 50 years
        return


def _croniter(cron: str, local: datetime) -> Any:  # noqa: ANN401 - a croniter
    from croniter import croniter  # type: ignore[import-untyped]  # noqa: PLC0415 - only jobs with a cron need it

    try:
        return croniter(cron, local)
    except ValueError as error:
        raise SpecError(f"invalid cron expression {cron!r}: {error}") from None


@lru_cache(maxsize=1024)
def _hours_that_repeat(cron: str) -> frozenset[int]:
    """Return the hours of an expression that are next to another of its hours."""
    from croniter import croniter  # noqa: PLC0415 - likewise

    hours = croniter.expand(cron)[0][1]
    held = set(range(_HOURS) if hours == ["*"] else map(int, hours))
    return frozenset(hour for hour in held if {(hour + 1) % _HOURS, (hour - 1) % _HOURS} & held)
