"""The data about a job that the scheduler reads from the serialized DAG: its queue rules and its pods.

The factory writes it into the DAG's ``default_args`` under ``constants.MARKER_KEY``: Airflow keeps any JSON there, and
operators ignore it. The gate and the code that creates pods read it in the scheduler, which has no spec. A DAG without
a marker is not a job, and this package does not change it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Self

from airflow_mcp_provider.spec.notify_rules import NotifyRules
from airflow_mcp_provider.spec.schedule_rules import ScheduleRules
from airflow_mcp_provider.spec.submit_rules import SubmitRules

PRIORITY = "mcp_priority"
"""The key in a run's conf with the priority of that run."""
LOCAL = "LocalExecutor"
"""Airflow's name of the executor that runs plan and report of a job with ``control: local``, without a pod."""


@dataclass(frozen=True)
class MoreMemory:
    """After an OOM kill a subtask gets ``factor`` times its memory, at most ``max`` (a Kubernetes quantity)."""

    factor: float
    max: str


@dataclass(frozen=True)
class PodNeeds:
    """The settings of a task's pod that only the scheduler can apply.

    ``deadline`` becomes ``activeDeadlineSeconds`` of the pod. ``batch`` is the number of subtasks that it runs.
    """

    deadline: timedelta | None = None
    memory: MoreMemory | None = None
    batch: int = 1

    def dump(self) -> dict[str, Any]:
        """Return it as JSON, without the default values."""
        deadline = {} if self.deadline is None else {"deadline": self.deadline.total_seconds()}
        batch = {} if self.batch == 1 else {"batch": self.batch}
        return {**deadline, **({} if self.memory is None else {"memory": asdict(self.memory)}), **batch}

    @classmethod
    def read(cls, value: Any) -> Self:  # noqa: ANN401 - any JSON of the marker
        """Return the inverse of ``dump``; raises an error of ``Marker.read`` for any other value."""
        memory = value.get("memory")
        more = None if memory is None else MoreMemory(**memory)
        return cls(_seconds(value.get("deadline")), more, _number(value.get("batch", 1)))


@dataclass(frozen=True)
class Marker:
    """The queue rules of a job, and the settings of its tasks' pods.

    ``priority`` holds for runs without ``mcp_priority``. A run that is queued longer than ``timeout`` fails. ``pods``
    has the task id as key. ``calls`` are the ids of the jobs whose runs may be subtasks. ``submit`` are the rules for
    submitted runs, ``schedule`` those for scheduled ones; it is None for a job without a schedule. ``notify`` are the
    rules for notifications.
    """

    priority: int = 0
    timeout: timedelta | None = None
    pods: Mapping[str, PodNeeds] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    submit: SubmitRules = field(default_factory=SubmitRules)
    schedule: ScheduleRules | None = None
    notify: NotifyRules = field(default_factory=NotifyRules)

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        seconds = None if self.timeout is None else self.timeout.total_seconds()
        pods = {task: needs for task, one in self.pods.items() if (needs := one.dump())}
        more = {"pods": pods, "calls": [*self.calls], "submit": self.submit.dump(), "notify": self.notify.dump()}
        present = {name: value for name, value in more.items() if value}
        schedule = {} if self.schedule is None else {"schedule": self.schedule.dump()}
        return {"priority": self.priority, "queue_timeout": seconds, **present, **schedule}

    @classmethod
    def read(cls, value: Any) -> Self:  # noqa: ANN401 - any JSON of the serialized DAG
        """Return the inverse of ``dump``; raises ValueError for any other value."""
        try:
            pods = {task: PodNeeds.read(one) for task, one in value.get("pods", {}).items()}
            calls = tuple(map(str, value.get("calls", ())))
            submit = SubmitRules.read(value.get("submit", {}))
            schedule = ScheduleRules.read(value["schedule"]) if "schedule" in value else None
            timeout = _seconds(value.get("queue_timeout"))
            notify = NotifyRules.read(value.get("notify", {}))
            return cls(_number(value["priority"]), timeout, pods, calls, submit, schedule, notify)
        except (TypeError, KeyError, AttributeError, ValueError):
            raise ValueError(f"invalid marker of a job in the serialized DAG: {value!r:.200}") from None


def _number(value: Any) -> int:  # noqa: ANN401 - checked here
    if type(value) is not int:
        raise TypeError
    return value


def _seconds(value: Any) -> timedelta | None:  # noqa: ANN401 - likewise
    if value is None:
        return None
    if type(value) not in (int, float) or value <= 0:
        raise ValueError
    return timedelta(seconds=value)
