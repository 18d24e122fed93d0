"""What the scheduler must know of a job, carried by its serialized DAG: that it is one, and how its runs queue.

Written by the factory into the DAG's ``default_args`` under ``KEY``, where Airflow keeps any JSON and tasks take none
of it; read by the gate, in the scheduler, which has no spec. A DAG without it is not a job: the gate leaves it alone.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

KEY = "mcp"
TAG = "mcp"
"""On every job's DAG: how people filter them, and how one query finds what may be a job."""


@dataclass(frozen=True)
class Marker:
    """The queue rules of a job.

    ``priority`` is that of its runs which say none; a run that waits longer than ``timeout`` fails unstarted.
    """

    priority: int = 0
    timeout: timedelta | None = None

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        seconds = None if self.timeout is None else self.timeout.total_seconds()
        return {"priority": self.priority, "queue_timeout": seconds}

    @classmethod
    def read(cls, value: Any) -> Self:  # noqa: ANN401 - whatever stands in the serialized DAG
        """Return what ``dump`` wrote; raises ValueError for anything else."""
        priority = value.get("priority") if isinstance(value, dict) else None
        seconds = value.get("queue_timeout") if isinstance(value, dict) else None
        if type(priority) is not int or not (seconds is None or (type(seconds) in (int, float) and seconds > 0)):
            raise ValueError(f"the marker of the serialized DAG is broken: {value!r:.200}")
        return cls(priority, None if seconds is None else timedelta(seconds=seconds))
