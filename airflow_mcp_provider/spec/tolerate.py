"""``subtasks.tolerate``: how many failed subtasks still make a successful run.

Read by ``report``, which decides the run's success. Exact arithmetic: 5% of 20 is one, not 0.9999.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Self

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.faults import fault, sentence

PATTERN = r"^(\d{1,9}|\d{1,3}(\.\d{1,6})?%)$"

_ALLOWED = "a count such as 3, or a part of all subtasks such as 5%"
_MOST = 10**9
_ALL = Decimal(100)


@dataclass(frozen=True)
class Tolerate:
    """Either a ``count`` of subtasks, or a ``percent`` (above 0, up to 100) of all subtasks of the run."""

    count: int | None = None
    percent: Decimal | None = None

    def __post_init__(self) -> None:
        if wrong := self._wrong():
            raise SpecError(sentence(f"tolerate: {wrong}", allowed=_ALLOWED))

    def __str__(self) -> str:
        return str(self.count) if self.percent is None else f"{self.percent:f}%"

    @classmethod
    def of(cls, value: int | str) -> Self:
        """Read ``3``, ``"3"`` or ``"5%"``."""
        text = str(value) if isinstance(value, int) and 0 <= value < _MOST else value
        if isinstance(value, bool) or not isinstance(text, str) or not re.fullmatch(PATTERN, text, re.ASCII):
            raise SpecError(sentence("tolerate: is no count or percentage", allowed=_ALLOWED))
        return cls(percent=Decimal(text[:-1])) if text.endswith("%") else cls(count=int(text))

    def allows(self, failed: int, total: int) -> bool:
        """Tell whether a run of ``total`` subtasks with ``failed`` failures is a success."""
        if self.percent is None:
            return failed <= (self.count or 0)
        numerator, denominator = self.percent.as_integer_ratio()
        return failed * 100 * denominator <= numerator * total

    def _wrong(self) -> str:
        if (self.count is None) == (self.percent is None):
            return "needs either a count or a percentage"
        if self.percent is not None and not (self.percent.is_finite() and 0 < self.percent <= _ALL):
            return "must be above 0% and at most 100%"
        if self.count is not None and self.count < 0:
            return "must not be negative"
        return ""


def _validated(value: object) -> Tolerate:
    if isinstance(value, Tolerate):
        return value
    try:
        return Tolerate.of(value)  # type: ignore[arg-type]  # `of` refuses other types
    except SpecError:
        raise fault("is no count or percentage of subtasks", allowed=f"{_ALLOWED} (above 0%, up to 100%)") from None


TolerateField = Annotated[
    Tolerate,
    PlainValidator(_validated),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "integer", "minimum": 0}]}),
]
