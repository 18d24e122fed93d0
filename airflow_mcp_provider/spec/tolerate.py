"""``subtasks.tolerate``: how many subtasks may fail in a successful run.

``report`` uses it to decide whether the run succeeds. It calculates with decimals: 5% of 20 is exactly 1.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Self

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.faults import fault, sentence, shown

PATTERN = r"^(\d{1,9}|\d{1,3}(\.\d{1,6})?%)$"

_EXPECTED = "a number such as 3, or a percentage of all subtasks such as 5%"
_MOST = 10**9
_ALL = Decimal(100)


@dataclass(frozen=True)
class Tolerate:
    """Either a ``count`` of subtasks, or a ``percent`` (above 0, up to 100) of all subtasks of the run.

    Raises SpecError when both or neither are set, or one is out of range.
    """

    count: int | None = None
    percent: Decimal | None = None

    def __post_init__(self) -> None:
        if wrong := self._wrong():
            raise SpecError(sentence(f"tolerate: {wrong}", expected=_EXPECTED))

    def __str__(self) -> str:
        return str(self.count) if self.percent is None else f"{self.percent:f}%"

    @classmethod
    def of(cls, value: int | str) -> Self:
        """Return the Tolerate of ``3``, ``"3"`` or ``"5%"``; raises SpecError for any other value."""
        text = str(value) if isinstance(value, int) and 0 <= value < _MOST else value
        if isinstance(value, bool) or not isinstance(text, str) or not re.fullmatch(PATTERN, text, re.ASCII):
            raise SpecError(sentence("tolerate: invalid value", shown(value), _EXPECTED))
        return cls(percent=Decimal(text[:-1])) if text.endswith("%") else cls(count=int(text))

    def allows(self, failed: int, total: int) -> bool:
        """Whether a run of ``total`` subtasks with ``failed`` failures is successful."""
        if self.percent is None:
            return failed <= (self.count or 0)
        numerator, denominator = self.percent.as_integer_ratio()
        return failed * 100 * denominator <= numerator * total

    def _wrong(self) -> str:
        if (self.count is None) == (self.percent is None):
            return "both or none of count and percent"
        if self.percent is not None and not (self.percent.is_finite() and 0 < self.percent <= _ALL):
            return f"percentage out of range (above 0%, up to 100%): {self.percent}"
        if self.count is not None and self.count < 0:
            return f"negative number {self.count}"
        return ""


def _validated(value: object) -> Tolerate:
    if isinstance(value, Tolerate):
        return value
    try:
        return Tolerate.of(value)  # type: ignore[arg-type]  # `of` rejects other types
    except SpecError:
        raise fault("invalid value", expected=f"{_EXPECTED} (above 0%, up to 100%)") from None


TolerateField = Annotated[
    Tolerate,
    PlainValidator(_validated),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": PATTERN}, {"type": "integer", "minimum": 0}]}),
]
