"""``queue.keep``: which ended runs of a job stay in Airflow's database, by number or by age."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Self

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import durations
from airflow_mcp_provider.spec.faults import fault, sentence, shown

MOST = 1_000_000
_EXPECTED = f"a number of runs from 1 to {MOST}, or an age such as 30d"


@dataclass(frozen=True)
class Keep:
    """The newest ``count`` ended runs, or those that ended at most ``age`` ago; one of the two is set.

    Raises SpecError otherwise.
    """

    count: int | None = None
    age: timedelta | None = None

    def __post_init__(self) -> None:
        if (self.count is None) == (self.age is None):
            raise SpecError(sentence("keep: both or none of count and age", expected=_EXPECTED))

    @property
    def value(self) -> int | str:
        """As in a spec."""
        return self.count if self.age is None else durations.human(self.age)  # type: ignore[return-value]  # one is set

    @classmethod
    def of(cls, value: int | str) -> Self:
        """Return the Keep of ``100`` or ``30d``; raises SpecError for any other value."""
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST:
            return cls(count=value)
        try:
            return cls(age=_age(value))
        except (ValueError, TypeError):
            raise SpecError(sentence("keep: invalid value", shown(value), _EXPECTED)) from None


def _age(value: object) -> timedelta:
    if not isinstance(value, str):
        raise TypeError
    return durations.parse_time_limit(value)


def _validated(value: object) -> Keep:
    if isinstance(value, Keep):
        return value
    try:
        return Keep.of(value)  # type: ignore[arg-type]  # `of` rejects other types
    except SpecError:
        raise fault("invalid value", expected=_EXPECTED) from None


KeepField = Annotated[
    Keep,
    PlainValidator(_validated),
    PlainSerializer(lambda keep: keep.value),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MOST},
                {"type": "string", "pattern": durations.PATTERN},
            ]
        }
    ),
]
