"""Cron expressions of a schedule: five fields or a macro, checked when the spec is read.

croniter, with which Airflow computes dates, also accepts six fields (with seconds), random values (``R``) and days that
do not exist (30 February); a DAG with such a schedule fails later, in the scheduler. With a day of the month beside
``fri#2`` or ``l5`` it ignores the day, or finds no date. They are refused here.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from airflow_mcp_provider.spec.faults import Path, fault, shown

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
MOST = 50
_LONGEST = 200
_EXAMPLE = 'for example "0 8 * * mon-fri" or @daily'
_SHORTEST_MONTH = 28
_ANY_YEAR = datetime(2000, 1, 1)  # noqa: DTZ001 - local time of any zone
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    special: str = r"(?!)"  # nothing

    @property
    def expected(self) -> str:
        named = f", {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"values from {self.low} to {self.high}{named}, *, ranges a-b, steps /n and lists a,b"

    def accepts(self, text: str) -> bool:
        return all(re.fullmatch(self.special, part) or self._is_range(part) for part in text.split(","))

    def _is_range(self, part: str) -> bool:
        found = re.fullmatch(r"(?:\*|(\w{1,3})(?:-(\w{1,3}))?)(?:/(\d{1,2}))?", part, re.ASCII)
        if found is None:
            return False
        values, step = [value for value in found.groups()[:2] if value], found[3]
        return all(map(self._is_value, values)) and (step is None or 1 <= int(step) <= self.high)

    def _is_value(self, text: str) -> bool:
        return text in self.names or (text.isdigit() and self.low <= int(text) <= self.high)


FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31, special="l"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS, special=r"(?:[0-7]|sun|mon|tue|wed|thu|fri|sat)#[1-5]|l[0-7]"),
)


def fields_of(text: str) -> str:
    """Return the five fields of a checked cron expression or macro, in lower case."""
    lower = " ".join(text.lower().split())
    return MACROS.get(lower, lower)


def checked(text: str, at: Path = ()) -> str:
    """Return ``text`` if it is a cron expression that runs some day, else raise the error of ``faults.fault``."""
    if text.strip().startswith("@") and fields_of(text) not in MACROS.values():
        raise fault("unknown macro", given=shown(text), expected=", ".join(MACROS), at=at)
    fields = fields_of(text).split() if len(text) <= _LONGEST else []
    if len(fields) != len(FIELDS):
        wrong = f"invalid number of fields ({len(fields)}) in" if fields else "invalid cron expression"
        raise fault(wrong, given=shown(text), expected=f"five fields without seconds, {_EXAMPLE}", at=at)
    for field, value in zip(FIELDS, fields, strict=True):
        if not field.accepts(value):
            raise fault(f"invalid {field.name} {shown(value)} in", given=shown(text), expected=field.expected, at=at)
    if fields[2] != "*" and re.search(r"#|l", fields[4]):
        expected = f"* for one of the two, {_EXAMPLE}"
        raise fault("day of the month beside a certain day of the week in", given=shown(text), expected=expected, at=at)
    _ever_runs(text, at)
    return text


def checked_all(crons: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``crons`` if each of them runs some day and none is there twice, else raise the error of ``fault``."""
    if len(crons) > MOST:
        raise fault("too many cron expressions:", given=str(len(crons)), expected=f"at most {MOST}")
    for place, text in enumerate(crons):
        checked(text, () if len(crons) == 1 else (place,))
    if len(set(map(fields_of, crons))) < len(crons):
        raise fault("duplicate cron expression", given=", ".join(map(shown, crons)), expected="each once")
    return crons


def _ever_runs(text: str, at: Path) -> None:
    from croniter import croniter  # type: ignore[import-untyped]  # noqa: PLC0415 - only jobs with a cron need it

    try:
        _, _, days, _, weekdays = croniter.expand(fields_of(text))[0]
        if weekdays == ["*"] and all(isinstance(day, int) and day > _SHORTEST_MONTH for day in days):
            croniter(fields_of(text), _ANY_YEAR).get_next(datetime)
    except (ValueError, LookupError):
        expected = f"an expression that runs at some date, {_EXAMPLE}"
        raise fault("cron expression that never runs:", given=shown(text), expected=expected, at=at) from None
