"""Cache the check of a mapped task's upstream while a scheduler examines a run.

Airflow's ``MappedTaskUpstreamDep`` sends the same query for each task instance that becomes ready: for 9,000 of them it
took 25 s and more. The cache lasts for one examination of one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial, wraps
from typing import Any

from airflow_mcp_provider.plugin.patching import Method, wrap
from airflow_mcp_provider.plugin.slots.airflow_internals import (
    DEP_STATUSES,
    SCHEDULE_DAG_RUN,
    MappedTaskUpstreamDep,
    SchedulerJobRunner,
)

Task = tuple[str, str, str]
"""dag_id, run_id, task_id"""


class UpstreamCache:
    """The tasks whose upstream check has passed during the current examination; None: there is none."""

    def __init__(self) -> None:
        self._tasks: set[Task] | None = None

    @contextmanager
    def look(self) -> Iterator[None]:
        """Cache inside this context."""
        self._tasks = set()
        try:
            yield
        finally:
            self._tasks = None

    def statuses(self, ti: Any, ask: Callable[[], Iterator[Any]]) -> Iterator[Any]:  # noqa: ANN401 - Airflow's
        """Yield the statuses of ``ask``; none, which means that the task may run, if another instance has none."""
        task = ti.dag_id, ti.run_id, ti.task_id
        if self._tasks is not None and task in self._tasks:
            return
        found = list(ask())
        if self._tasks is not None and not found:
            self._tasks.add(task)
        yield from found


@cache
def cache_upstream_checks(
    kind: type[SchedulerJobRunner] = SchedulerJobRunner, dependency: type[MappedTaskUpstreamDep] = MappedTaskUpstreamDep
) -> None:
    """Patch the schedulers of this process to use the cache."""
    upstream = UpstreamCache()
    wrap(kind, SCHEDULE_DAG_RUN, partial(_looking, upstream=upstream))
    wrap(dependency, DEP_STATUSES, partial(_asking, upstream=upstream))


def _looking(look: Method, upstream: UpstreamCache) -> Method:
    @wraps(look)
    def looking(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Airflow's
        with upstream.look():
            return look(*args, **kwargs)

    return looking


def _asking(ask: Method, upstream: UpstreamCache) -> Method:
    @wraps(ask)
    def asking(self: Any, ti: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:  # noqa: ANN401 - Airflow's
        return upstream.statuses(ti, lambda: ask(self, ti, *args, **kwargs))

    return asking
