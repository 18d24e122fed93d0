"""Make the LocalExecutor count its dispatched workloads, so that it never exceeds ``[core] parallelism``.

Airflow 3.3's ``_process_workloads`` adds nothing to ``running`` (apache/airflow#70526): the scheduler sends new
workloads in every loop, until its main thread blocks on the full pipe to the workers, and its heartbeat stops.
``change_state`` removes the keys that are added here, as for every other executor. A version of Airflow that counts
itself adds the same keys to the same set.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial, wraps
from typing import Any

from airflow_mcp_provider.plugin.patching import Method, wrap
from airflow_mcp_provider.plugin.slots.airflow_internals import (
    CHECK_WORKERS,
    PROCESS_WORKLOADS,
    BaseExecutor,
    LocalExecutor,
)
from airflow_mcp_provider.plugin.slots.lost_workers import LostWorkers

BEGUN = "running"
"""The state of a callback or connection test that a worker has started."""


@cache
def count_dispatched(kind: type[LocalExecutor] = LocalExecutor) -> None:
    """Patch the executors ``kind`` of this process to count dispatched workloads."""
    lost = LostWorkers()
    wrap(kind, PROCESS_WORKLOADS, _counting)
    wrap(kind, "change_state", _keeping_begun)
    wrap(kind, CHECK_WORKERS, partial(_watching, lost=lost))
    wrap(kind, "sync", partial(_returning, lost=lost))
    if kind.revoke_task is BaseExecutor.revoke_task:
        wrap(kind, "revoke_task", lambda _: _revoke_task)


def _counting(process: Method) -> Method:
    @wraps(process)
    def counting(self: LocalExecutor, workloads: Sequence[Any]) -> Any:  # noqa: ANN401 - Airflow's
        self.running.update(workload.key for workload in workloads)
        return process(self, workloads)

    return counting


def _keeping_begun(change: Method) -> Method:
    """Keep a started workload in ``running``; Airflow's LocalExecutor removes it while its worker is busy."""

    @wraps(change)
    def keeping(self: LocalExecutor, key: Any, state: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Airflow's
        counted = state == BEGUN and key in self.running
        answer = change(self, key, state, *args, **kwargs)
        if counted:
            self.running.add(key)
        return answer

    return keeping


def _watching(check: Method, lost: LostWorkers) -> Method:
    @wraps(check)
    def watching(self: LocalExecutor) -> Any:  # noqa: ANN401 - Airflow's
        before = dict(self.workers)
        answer = check(self)
        if any(self.workers.get(pid) is not worker for pid, worker in before.items()):
            lost.suspect(self)
        return answer

    return watching


def _returning(sync: Method, lost: LostWorkers) -> Method:
    @wraps(sync)
    def returning(self: LocalExecutor) -> Any:  # noqa: ANN401 - Airflow's
        answer = sync(self)
        lost.return_slots(self)
        return answer

    return returning


def _revoke_task(self: LocalExecutor, *, ti: Any) -> None:  # noqa: ANN401 - Airflow's
    """Remove a task instance that was queued for longer than ``[scheduler] task_queued_timeout``.

    This happens when a worker is killed before it reports the start to the API server. The LocalExecutor does not have
    this method: Airflow would leave the task instance queued, and its slot would never be released.
    """
    self.queued_tasks.pop(ti.key, None)
    self.running.discard(ti.key)
