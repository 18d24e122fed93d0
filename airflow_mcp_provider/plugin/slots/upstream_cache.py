"""Asks once a look whether what a mapped task is mapped over has ended well, and not for each of its task instances.

Airflow's ``MappedTaskUpstreamDep`` sends the same query for each task instance that becomes ready: 9,000 of them, found
in one look, took 25 s and more. Nothing of an answer lasts longer than the look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

from airflow_mcp_provider.plugin.slots.airflow_internals import MappedTaskUpstreamDep, SchedulerJobRunner

Task = tuple[str, str, str]
"""dag_id, run_id, task_id"""


class Passed:
    """The tasks that have nothing to wait for upstream, as far as this look has seen; None: there is no look."""

    def __init__(self) -> None:
        self._tasks: set[Task] | None = None

    @contextmanager
    def look(self) -> Iterator[None]:
        """Remember meanwhile."""
        self._tasks = set()
        try:
            yield
        finally:
            self._tasks = None

    def statuses(self, ti: Any, ask: Callable[[], Iterator[Any]]) -> Iterator[Any]:  # noqa: ANN401 - Airflow's
        """Give what ``ask`` does; nothing, as it does for a task that may run, when it did so for another instance."""
        task = ti.dag_id, ti.run_id, ti.task_id
        if self._tasks is not None and task in self._tasks:
            return
        found = list(ask())
        if self._tasks is not None and not found:
            self._tasks.add(task)
        yield from found


@cache
def ask_once(
    kind: type[SchedulerJobRunner] = SchedulerJobRunner, dependency: type[MappedTaskUpstreamDep] = MappedTaskUpstreamDep
) -> None:
    """From now on this process' schedulers ask so."""
    passed, runner, asked = Passed(), _any(kind), _any(dependency)
    runner._schedule_dag_run = _looking(runner._schedule_dag_run, passed)  # noqa: SLF001 - one look at one run
    asked._get_dep_statuses = _asking(asked._get_dep_statuses, passed)  # noqa: SLF001 - what is asked in it


def _any(kind: Any) -> Any:  # noqa: ANN401 - so that its methods may be replaced
    return kind


def _looking(look: Callable[..., Any], passed: Passed) -> Callable[..., Any]:
    @wraps(look)
    def looking(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Airflow's
        with passed.look():
            return look(*args, **kwargs)

    return looking


def _asking(ask: Callable[..., Iterator[Any]], passed: Passed) -> Callable[..., Iterator[Any]]:
    @wraps(ask)
    def asking(self: Any, ti: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:  # noqa: ANN401 - Airflow's
        return passed.statuses(ti, lambda: ask(self, ti, *args, **kwargs))

    return asking
