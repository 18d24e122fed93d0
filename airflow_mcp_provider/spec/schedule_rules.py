"""The rules for scheduled runs that are in the marker of a job: what the scheduler needs of ``schedule`` of its spec.

Read where runs are created and started, from the serialized DAG; see ``marker``. Cheap: without pydantic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, Self


class _Scheduled(Protocol):
    """The part of ``Schedule`` that the rules are made of."""

    @property
    def jitter(self) -> timedelta | None: ...
    @property
    def misfire_grace(self) -> timedelta | None: ...
    @property
    def conf(self) -> Mapping[str, Any]: ...
    @property
    def watch(self) -> object: ...
    @property
    def coalesce(self) -> bool: ...


@dataclass(frozen=True)
class ScheduleRules:
    """The rules of scheduled runs: the fields of ``Schedule``; ``watch`` is whether a check starts the runs."""

    jitter: timedelta | None = None
    misfire_grace: timedelta | None = None
    conf: Mapping[str, Any] = field(default_factory=dict)
    watch: bool = False
    coalesce: bool = True

    @classmethod
    def of(cls, schedule: _Scheduled) -> Self:
        """Return the rules of a spec's schedule."""
        return cls(
            schedule.jitter, schedule.misfire_grace, schedule.conf, schedule.watch is not None, schedule.coalesce
        )

    def dump(self) -> dict[str, Any]:
        """Return it as JSON, without the default values."""
        times = {"jitter": self.jitter, "misfire_grace": self.misfire_grace}
        seconds = {name: time.total_seconds() for name, time in times.items() if time}
        conf = {"conf": dict(self.conf)} if self.conf else {}
        watch = {"watch": True} if self.watch else {}
        return {**seconds, **conf, **watch, **({} if self.coalesce else {"coalesce": False})}

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """Return the inverse of ``dump``; raises an error of ``Marker.read`` for any other value."""
        conf = value.get("conf", {})
        watch, coalesce = value.get("watch", False), value.get("coalesce", True)
        if not isinstance(conf, dict) or type(watch) is not bool or type(coalesce) is not bool:
            raise TypeError
        return cls(_seconds(value.get("jitter")), _seconds(value.get("misfire_grace")), conf, watch, coalesce)


def _seconds(value: object) -> timedelta | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        raise ValueError
    return timedelta(seconds=value)
