"""Points in time of a spec: ISO 8601 dates, with an offset or in the schedule's time zone.

Built when a spec with a schedule is read. A date without an offset is the local time of the zone. ``fold`` selects the
first of two equal local times, the one before the clock goes back.
"""

from datetime import UTC, datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from airflow_mcp_provider.spec.faults import fault, shown

PATTERN = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?(Z|[+-]\d{2}:?\d{2})?$"
_EXPECTED = "a date such as 2026-12-01T09:00, or with an offset 2026-12-01T09:00+01:00"
_ZONE = "a name of the IANA time zone database, for example UTC or Europe/Berlin"


def zone_of(name: str) -> ZoneInfo:
    """Return the IANA time zone ``name``; raises the error of ``faults.fault`` when it does not exist."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise fault("unknown time zone", given=shown(name), expected=_ZONE) from None


def _zone_name(name: str) -> str:
    return zone_of(name).key


def _moment(value: object, info: ValidationInfo) -> datetime:
    zone = ZoneInfo(info.data.get("timezone", "UTC"))
    moment = value if isinstance(value, datetime) else _read(value)
    if moment is None:
        raise fault("invalid date", expected=_EXPECTED)
    return in_zone(moment, zone)


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Return ``moment`` in ``zone``; a naive one is local time there. Raises the error of ``faults.fault``."""
    if moment.tzinfo is not None:
        return moment.astimezone(zone)
    local = moment.replace(tzinfo=zone, fold=0)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise fault("local time that does not exist:", expected="a time outside the hour that the clock skips")
    return local


def _read(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


Zone = Annotated[str, AfterValidator(_zone_name)]
Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    PlainSerializer(datetime.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": PATTERN}),
]
