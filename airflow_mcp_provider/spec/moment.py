"""Points in time of a spec: ISO 8601 dates, with an offset or in the schedule's time zone.

Built when a spec with a schedule is read. A date without an offset is the local time of the zone. One that the clock
skips is refused; of two equal ones, when the clock goes back, it is the first. With an offset each date is exact.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from airflow_mcp_provider.spec.faults import fault, shown

PATTERN = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?( ?(Z|[+-]\d{2}:\d{2}))?)?$"
EARLIEST, LATEST = 2000, 2199
"""Years; far from the limits of Python's and Postgres's dates."""
_EXPECTED = "a date such as 2026-12-01T09:00, or with an offset 2026-12-01T09:00+01:00"
_ZONE = "a name of the IANA time zone database, for example UTC or Europe/Berlin"


def _zone_name(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise fault("unknown time zone", given=shown(name), expected=_ZONE) from None


def _moment(value: object, info: ValidationInfo) -> datetime:
    moment = value if isinstance(value, datetime) else _read(value)
    if moment is None:
        raise fault("invalid date", expected=_EXPECTED)
    if not EARLIEST <= moment.year <= LATEST:
        raise fault("date out of range:", given=moment.isoformat(), expected=f"the years {EARLIEST} to {LATEST}")
    # A wrong zone is another error of the same spec.
    return in_zone(moment, ZoneInfo(info.data.get("timezone", "UTC")))


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Return ``moment`` in ``zone``; a naive one is local time there. Raises the error of ``faults.fault``."""
    if moment.tzinfo is not None:
        return moment.astimezone(zone)
    local = moment.replace(tzinfo=zone)
    exact = local.astimezone(UTC).astimezone(zone)
    if exact.replace(tzinfo=None, fold=0) != moment.replace(fold=0):
        expected = f"a local time of {zone}, for example {_naive(exact)}, or a date with an offset"
        raise fault("local time that the clock skips:", given=_naive(moment), expected=expected)
    return local


def _read(value: object) -> datetime | None:
    """Return the date of a text; the separator may be a space, as YAML allows."""
    if not isinstance(value, str) or not re.fullmatch(PATTERN, value, re.ASCII):
        return None
    try:
        found = datetime.fromisoformat(re.sub(r" (?=Z|[+-])", "", value))
    except ValueError:
        return None
    return found if abs(found.utcoffset() or timedelta()) < timedelta(days=1) else None


def _naive(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


Zone = Annotated[str, AfterValidator(_zone_name)]
Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    PlainSerializer(datetime.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": PATTERN}),
]
