"""Checks of a schedule as a whole: keys that belong together, and whether any run would ever be created.

Run when a spec with a schedule is read; each raises the error of ``faults.fault``.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from airflow_mcp_provider.spec.durations import human
from airflow_mcp_provider.spec.faults import fault

SHORTEST = timedelta(seconds=1)
DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_YEAR = timedelta(days=366)


class _Dates(Protocol):
    def after(self, moment: datetime) -> datetime | None: ...


def check_every(every: timedelta | None, zone: str) -> None:
    """Refuse an interval that Airflow cannot keep, and one of days in a zone whose days differ in length."""
    if every is None:
        return
    if every < SHORTEST:
        raise fault("interval too short:", given=human(every), expected=f"at least {human(SHORTEST)}", at=("every",))
    if every >= DAY and _changes(ZoneInfo(zone)):
        wrong = f"interval of a day or more in {zone}, where days differ in length:"
        expected = 'cron, for example "0 8 * * *", or the timezone UTC'
        raise fault(wrong, given=human(every), expected=expected, at=("every",))


def check_bounds(start: datetime | None, end: datetime | None, kind: str, dates: _Dates | None) -> None:
    """Refuse ``start`` and ``end`` in the wrong order, where they have no effect, or with no date between them."""
    for name, value in (("start", start), ("end", end)):
        if value is not None and kind not in {"cron", "every"}:
            raise fault(f"conflict with {kind}", given="", expected=f"{name} only with cron or every", at=(name,))
    if start and end and start >= end:
        raise fault("end before start:", given=end.isoformat(), expected=f"later than {start.isoformat()}", at=("end",))
    if start and end and dates and dates.after(start - timedelta(microseconds=1)) is None:
        raise fault("no date between start and end", given="", expected="at least one run between them", at=(kind,))


def check_events(kind: str, jitter: timedelta | None, *, coalesce: bool) -> None:
    """Refuse ``coalesce: false`` and ``jitter`` where events, not dates, create the runs.

    Airflow makes one run of several events, and takes the time of that run for the end of their period.
    """
    if kind not in {"after", "watch"}:
        return
    if jitter is not None:
        raise fault(f"conflict with {kind}", given="", expected="jitter only with cron, every or at", at=("jitter",))
    if not coalesce:
        expected = "true: several events that wait make one run"
        raise fault(f"unsupported value with {kind}:", given="false", expected=expected, at=("coalesce",))


def _changes(zone: ZoneInfo) -> bool:
    """Whether the clock of the zone changes in the year from now."""
    now = datetime.now(UTC)
    weeks = (now + number * _WEEK for number in range(_YEAR // _WEEK + 1))
    return len({week.astimezone(zone).utcoffset() for week in weeks}) > 1
