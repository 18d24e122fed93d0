"""The jobs that a spec names, and circles of them.

Runs for ``airflow mcp validate``, over the specs of one folder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Literal

from airflow_mcp_provider.cli.named_code import step_path
from airflow_mcp_provider.errors import Problem
from airflow_mcp_provider.spec import JobWork, printable

if TYPE_CHECKING:
    from airflow_mcp_provider.spec import JobSpec

Kind = Literal["call", "after"]
_CIRCULAR: dict[Kind, tuple[str, str]] = {
    "call": ("circular call of jobs:", "no circle: each job has one active run, so it would wait for itself"),
    "after": ("circular order of jobs:", "no circle: each run would start the next one, without an end"),
}


@dataclass(frozen=True)
class Link:
    """The dotted ``path`` in a spec that names ``job``: as a subtask (``call``), or in ``schedule.after``."""

    path: str
    job: str
    kind: Kind


def links(spec: JobSpec) -> Iterator[Link]:
    """Yield the jobs that a spec names."""
    for index, step in enumerate(spec.each_step):
        if isinstance(step.run, JobWork):
            yield Link(f"{step_path(spec, index)}run.job", step.run.job, "call")
    for index, job in enumerate(spec.subtasks.jobs):
        yield Link(f"subtasks.jobs.{index}", job, "call")
    for index, job in enumerate(spec.schedule.after if spec.schedule else ()):
        yield Link(f"schedule.after.{index}", job, "after")


def unknown(spec: JobSpec, known: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each job that a spec names and that is not in ``known``, the ids of the folder's jobs."""
    from difflib import get_close_matches  # noqa: PLC0415 - only needed for a problem

    for link in links(spec):
        if link.job not in known:
            near = get_close_matches(link.job, [*known], n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            expected = f"the id of a job that this Airflow has{hint}"
            yield Problem("job without a spec in this folder:", link.path, given=printable(link.job), expected=expected)


def circular(specs: Mapping[str, JobSpec]) -> Iterator[tuple[str, Problem]]:
    """Yield each circle of calls, and of ``after``, as the id of its first job and the problem there."""
    for kind, (wrong, expected) in _CIRCULAR.items():
        named = {name: [link for link in links(spec) if link.kind == kind] for name, spec in specs.items()}
        if circle := cycle({name: [link.job for link in found] for name, found in named.items()}):
            first = next(link for link in named[circle[0]] if link.job == circle[1])
            yield circle[0], Problem(wrong, first.path, given=" -> ".join(circle), expected=expected)


def cycle(calls: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the ids of a cycle of jobs that call each other, empty if there is none.

    ``calls`` has for each job id the ids of the jobs that it may run. The first id is also the last.
    """
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []
