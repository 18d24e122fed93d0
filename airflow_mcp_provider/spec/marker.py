"""What the scheduler must know of a job, carried by its serialized DAG: that it is one, its queue, its pods.

Written by the factory into the DAG's ``default_args`` under ``KEY``, where Airflow keeps any JSON and tasks take none
of it; read by the gate and where pods are made, in the scheduler, which has no spec. A DAG without it is not a job:
we leave it alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Self

PRIORITY = "mcp_priority"
"""In a run's conf: its own priority."""
LOCAL = "LocalExecutor"
"""Airflow's name of the executor that runs a job's control tasks where it says ``control: local``: they get no pod."""


@dataclass(frozen=True)
class MoreMemory:
    """After its memory ran out a subtask gets ``factor`` times as much, at most ``max`` (a quantity)."""

    factor: float
    max: str


@dataclass(frozen=True)
class PodNeeds:
    """What a task's pod needs that only the scheduler can give it.

    A pod that is older than ``deadline`` is ended by Kubernetes. It serves ``batch`` subtasks.
    """

    deadline: timedelta | None = None
    memory: MoreMemory | None = None
    batch: int = 1

    def dump(self) -> dict[str, Any]:
        """Return it as JSON, without what is not needed."""
        deadline = {} if self.deadline is None else {"deadline": self.deadline.total_seconds()}
        batch = {} if self.batch == 1 else {"batch": self.batch}
        return {**deadline, **({} if self.memory is None else {"memory": asdict(self.memory)}), **batch}

    @classmethod
    def read(cls, value: Any) -> Self:  # noqa: ANN401 - what stands in the marker
        """Return what ``dump`` wrote."""
        memory = value.get("memory")
        more = None if memory is None else MoreMemory(**memory)
        return cls(_seconds(value.get("deadline")), more, _number(value.get("batch", 1)))


@dataclass(frozen=True)
class Marker:
    """The queue rules of a job, and what the pods of its tasks need.

    ``priority`` is that of its runs which say none; a run that waits longer than ``timeout`` fails unstarted; ``pods``
    are by task id; ``calls`` are the jobs that its subtasks may be runs of.
    """

    priority: int = 0
    timeout: timedelta | None = None
    pods: Mapping[str, PodNeeds] = field(default_factory=dict)
    calls: tuple[str, ...] = ()

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        seconds = None if self.timeout is None else self.timeout.total_seconds()
        pods = {task: needs for task, one in self.pods.items() if (needs := one.dump())}
        more = {"pods": pods, "calls": [*self.calls]}
        told = {name: value for name, value in more.items() if value}
        return {"priority": self.priority, "queue_timeout": seconds, **told}

    @classmethod
    def read(cls, value: Any) -> Self:  # noqa: ANN401 - whatever stands in the serialized DAG
        """Return what ``dump`` wrote; raises ValueError for anything else."""
        try:
            pods = {task: PodNeeds.read(one) for task, one in value.get("pods", {}).items()}
            calls = tuple(map(str, value.get("calls", ())))
            return cls(_number(value["priority"]), _seconds(value.get("queue_timeout")), pods, calls)
        except (TypeError, KeyError, AttributeError, ValueError):
            raise ValueError(f"the marker of the serialized DAG is broken: {value!r:.200}") from None


def _number(value: Any) -> int:  # noqa: ANN401 - to be found out
    if type(value) is not int:
        raise TypeError
    return value


def _seconds(value: Any) -> timedelta | None:  # noqa: ANN401 - likewise
    if value is None:
        return None
    if type(value) not in (int, float) or value <= 0:
        raise ValueError
    return timedelta(seconds=value)
