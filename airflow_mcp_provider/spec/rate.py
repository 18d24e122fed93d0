"""``queue.rate``: how many runs may be submitted in a period, such as ``10/min``.

Checked where runs are created. A period is a sliding one: the runs of the last minute count, not those of the current
minute of the clock.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.faults import fault, sentence, shown

PATTERN = r"^[1-9][0-9]{0,5}/(s|min|h|d)( per submitter)?$"
Scope = Literal["job", "submitter"]

_EXPECTED = "a number of runs in a period of s, min, h or d, such as 10/min, or 10/min per submitter"
_PERIODS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


@dataclass(frozen=True)
class Rate:
    """At most ``count`` submitted runs in a ``unit`` (s, min, h, d): of the job, or of each submitter of it."""

    count: int
    unit: str
    scope: Scope = "job"

    def __post_init__(self) -> None:
        if not re.fullmatch(PATTERN, str(self), re.ASCII):
            raise SpecError(sentence("rate: invalid value", shown(str(self)), _EXPECTED))

    def __str__(self) -> str:
        return f"{self.count}/{self.unit}{' per submitter' if self.scope == 'submitter' else ''}"

    @property
    def period(self) -> timedelta:
        """The length of the period."""
        return _PERIODS[self.unit]

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the Rate of ``10/min`` or ``10/min per submitter``; raises SpecError for any other text."""
        found = re.fullmatch(PATTERN, text, re.ASCII) if isinstance(text, str) else None
        if found is None:
            raise SpecError(sentence("rate: invalid value", shown(text), _EXPECTED))
        return cls(int(text.partition("/")[0]), found[1], "submitter" if found[2] else "job")


def _validated(value: object) -> Rate:
    if isinstance(value, Rate):
        return value
    try:
        return Rate.of(value)  # type: ignore[arg-type]  # `of` rejects other types
    except SpecError:
        raise fault("invalid value", expected=_EXPECTED) from None


RateField = Annotated[
    Rate,
    PlainValidator(_validated),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN}),
]
