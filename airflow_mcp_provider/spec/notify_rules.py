"""The rules for notifications that are in the marker of a job: what the scheduler needs of ``on`` of its spec.

Read where runs end and in the scheduler's regular check, from the serialized DAG; see ``marker``. Cheap: without
pydantic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, Self


class _Late(Protocol):
    @property
    def after(self) -> timedelta: ...


class _On(Protocol):
    """The part of ``On`` that the rules are made of."""

    @property
    def failure(self) -> Sequence[object]: ...
    @property
    def late(self) -> Iterable[_Late]: ...


@dataclass(frozen=True)
class NotifyRules:
    """``failure``: a notifier is called when a run fails. ``late``: the limits of ``on.late``, ascending."""

    failure: bool = False
    late: tuple[timedelta, ...] = ()

    @classmethod
    def of(cls, on: _On) -> Self:
        """Return the rules of a spec's ``on``."""
        return cls(bool(on.failure), tuple(sorted({one.after for one in on.late})))

    def dump(self) -> dict[str, Any]:
        """Return it as JSON, without the default values."""
        late = {"late": [one.total_seconds() for one in self.late]} if self.late else {}
        return {**({"failure": True} if self.failure else {}), **late}

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """Return the inverse of ``dump``; raises an error of ``Marker.read`` for any other value."""
        failure, late = value.get("failure", False), value.get("late", [])
        if type(failure) is not bool or not isinstance(late, list):
            raise TypeError
        return cls(failure, tuple(timedelta(seconds=_positive(one)) for one in late))


def _positive(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        raise ValueError
    return float(value)
