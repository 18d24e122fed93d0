"""The functions and classes that a job spec names, with what they are called with.

Runs for ``airflow mcp validate``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from airflow_mcp_provider.cli.payload_fields import Fields, of_step
from airflow_mcp_provider.spec import JobSpec, PythonWork

if TYPE_CHECKING:
    from collections.abc import Mapping

Role = Literal["plan", "run", "report", "watch", "notifier"]


@dataclass(frozen=True)
class NamedCode:
    """A reference ``module:name`` at the dotted ``path`` of a spec.

    ``params`` are the names of the job's params. ``payloads`` are the possible sets of fields of a subtask, None if
    unknown. ``args`` are the arguments of a notifier.
    """

    path: str
    reference: str
    role: Role
    params: tuple[str, ...] = ()
    payloads: tuple[Fields, ...] | None = None
    args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The dotted name of the module."""
        return self.reference.partition(":")[0]


def named_code(spec: JobSpec) -> list[NamedCode]:
    """Return all references of a spec, in the order of its keys."""
    return [*_of_work(spec), *_of_watch(spec), *_of_notifiers(spec)]


def _of_work(spec: JobSpec) -> Iterator[NamedCode]:
    params = tuple(spec.params)
    if isinstance(spec.plan, PythonWork):
        yield NamedCode("plan.python", spec.plan.python, "plan", params)
    for index, step in enumerate(spec.each_step):
        if isinstance(step.run, PythonWork):
            path = f"{step_path(spec, index)}run.python"
            yield NamedCode(path, step.run.python, "run", params, of_step(spec, index))
    if isinstance(spec.report, PythonWork):
        yield NamedCode("report.python", spec.report.python, "report", params)


def step_path(spec: JobSpec, index: int) -> str:
    """Return the prefix of the dotted paths of a step; empty for a job with ``run``."""
    return f"steps.{index}." if spec.steps else ""


def _of_watch(spec: JobSpec) -> Iterator[NamedCode]:
    watch = spec.schedule.watch if spec.schedule else None
    if watch and watch.python:
        yield NamedCode("schedule.watch.python", watch.python, "watch")


def _of_notifiers(spec: JobSpec) -> Iterator[NamedCode]:
    for event in type(spec.on).model_fields if spec.on else ():
        notifiers = getattr(spec.on, event)
        for index, one in enumerate(notifiers):
            path = f"on.{event}.{index}.notifier" if len(notifiers) > 1 else f"on.{event}.notifier"
            yield NamedCode(path, one.notifier, "notifier", args=one.args)
