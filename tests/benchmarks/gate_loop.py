"""Airflow's own scheduler, its loop driven by hand and timed; started by ``gate.py`` in the environment of an Airflow.

No executor takes anything, so that a loop is what it costs to decide. Prints its figures, in milliseconds, as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from airflow.executors.base_executor import BaseExecutor
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.backfill import Backfill
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import delete, func, select, update

from airflow_mcp_provider.plugin.queue.gate import Gate

Figures = dict[str, float]


class Idle(BaseExecutor):
    """Takes no task."""

    @property
    def slots_available(self) -> int:
        """None."""
        return 0


class Bench:
    """One scheduler."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._runner = SchedulerJobRunner(job=Job(), executors=[Idle()])
        self._runner.job.prepare_for_execution()
        self._bag = DBDagBag(load_op_links=False)

    def queue(self, kind: str, name: str, state: DagRunState = DagRunState.QUEUED) -> None:
        """Make a run of each DAG of a kind."""
        with create_session() as session:
            for number in range(self._count):
                dag: Any = self._bag.get_latest_version_of_dag(f"{kind}_{number}", session=session)
                dag.create_dagrun(
                    run_id=name,
                    run_type=DagRunType.MANUAL,
                    run_after=_now(session),
                    triggered_by=DagRunTriggeredByType.TEST,
                    state=state,
                    session=session,
                )

    def forget(self) -> None:
        """Remove all runs."""
        with create_session() as session:
            session.execute(delete(DagRun))

    def as_backfill(self, name: str) -> None:
        """Count runs apart, as those of a backfill are."""
        with create_session() as session:
            fill = Backfill(dag_id="job_0", from_date=_now(session), to_date=_now(session), max_active_runs=1)
            session.add(fill)
            session.flush()
            session.execute(update(DagRun).where(DagRun.run_id == name).values(backfill_id=fill.id))

    def loops(self, while_: Callable[[], bool]) -> list[float]:
        """Let the scheduler loop; returns the time of each loop."""
        took = []
        while while_():
            begin = time.perf_counter()
            with create_session() as session:
                self._runner._do_scheduling(session)
                session.expunge_all()
            took.append((time.perf_counter() - begin) * 1000)
        return took

    def some_queued(self) -> bool:
        """Whether a run waits."""
        with create_session() as session:
            return session.scalar(select(DagRun.id).where(DagRun.state == DagRunState.QUEUED).limit(1)) is not None


def _now(session: Any) -> Any:
    return session.scalar(select(func.now()))


@contextmanager
def timed(took: list[float]) -> Iterator[None]:
    """Time every decision."""
    admit = Gate.admit

    def measured(*arguments: Any) -> None:
        begin = time.perf_counter()
        admit(*arguments)
        took.append((time.perf_counter() - begin) * 1000)

    Gate.admit = measured  # type: ignore[method-assign]
    yield
    Gate.admit = admit  # type: ignore[method-assign]


def main(count: int) -> Figures:
    """Measure: plain DAGs started, jobs started, jobs that wait."""
    bench = Bench(count)
    figures: Figures = {}
    for kind in ("plain", "job"):
        bench.queue(kind, "warm")
        bench.loops(bench.some_queued)
        bench.forget()
        bench.queue(kind, "first")
        decisions: list[float] = []
        with timed(decisions):
            took = bench.loops(bench.some_queued)
        figures[f"{kind}: a loop that starts runs"] = statistics.median(took)
        if decisions:
            figures[f"{kind}: a decision to start"] = statistics.median(decisions)
        bench.forget()
    figures |= _waiting(bench, count)
    return figures


def _waiting(bench: Bench, count: int) -> Figures:
    """A backfill's run has each job's slot and another run waits: Airflow asks the gate in every loop."""
    bench.queue("job", "holder", DagRunState.RUNNING)
    bench.queue("job", "waits")
    bench.as_backfill("holder")
    decisions: list[float] = []
    remaining = iter(range(2 * count))
    with timed(decisions):
        took = bench.loops(lambda: next(remaining, None) is not None and bench.some_queued())
    figures = {"job: a loop while runs wait": statistics.median(took)}
    if decisions:
        figures["job: a decision to wait"] = statistics.median(decisions)
    bench.forget()
    return figures


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))  # noqa: T201 - read by gate.py
