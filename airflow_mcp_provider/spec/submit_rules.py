"""The rules for submitted runs that are in the marker of a job: ``queue`` of its spec, without the priority.

Read where runs are created and started, from the serialized DAG; see ``marker``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.keep import Keep
from airflow_mcp_provider.spec.queue import Overlap, Queue
from airflow_mcp_provider.spec.rate import Rate

REPLACES = ("replace_waiting", "replace_running")


@dataclass(frozen=True)
class SubmitRules:
    """``memory`` is a Kubernetes quantity; the other fields are those of ``Queue``."""

    max_pending: int | None = None
    per_submitter: int | None = None
    rate: Rate | None = None
    unique: tuple[str, ...] = ()
    overlap: Overlap = "queue"
    memory: str | None = None
    keep: Keep | None = None

    @classmethod
    def of(cls, queue: Queue) -> Self:
        """Return the rules of a spec."""
        return cls(**{field.name: getattr(queue, field.name) for field in fields(cls)})

    @property
    def limits_submits(self) -> bool:
        """Whether a run may be refused because of other runs."""
        return bool(self.max_pending or self.per_submitter or self.rate or self.unique or self.overlap == "reject")

    def dump(self) -> dict[str, Any]:
        """Return it as JSON, without the default values."""
        own = {
            "rate": self.rate and str(self.rate),
            "unique": [*self.unique],
            "overlap": None if self.overlap == "queue" else self.overlap,
            "keep": self.keep and self.keep.value,
        }
        plain = {name: getattr(self, name) for name in ("max_pending", "per_submitter", "memory")}
        return {name: value for name, value in {**plain, **own}.items() if value}

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """Return the inverse of ``dump``; raises an error of ``Marker.read`` for any other value."""
        try:
            queue = Queue.model_validate({**value})
        except SpecError as error:
            raise ValueError(str(error)) from None
        return cls.of(queue)
