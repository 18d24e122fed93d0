"""The part of Airflow's scheduler that creates runs, driven by hand; started by ``schedule.py``.

Prints its figures as JSON: milliseconds of time and of this process's CPU.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.executors.base_executor import BaseExecutor
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.sqlalchemy import prohibit_commit
from sqlalchemy import delete, func, select, update

from airflow_mcp_provider.plugin.schedules.install import install
from airflow_mcp_provider.plugin.schedules.release import release

Figures = dict[str, float]
KINDS = ("plain", "job")


class Bench:
    """One scheduler, with the patches of this package."""

    def __init__(self, count: int) -> None:
        install()
        self._count = count
        self._runner = SchedulerJobRunner(job=Job(), executors=[BaseExecutor()])
        self._runner.job.prepare_for_execution()

    def due(self, kind: str, **more: Any) -> None:
        """Make the next date of all DAGs of a kind the present time, and that of the others one to come."""
        with create_session() as session:
            now: Any = session.scalar(select(func.now()))
            session.execute(delete(DagRun))
            for one in KINDS:
                date = now if one == kind else now + timedelta(days=1)
                names = ("next_dagrun", "next_dagrun_data_interval_start", "next_dagrun_data_interval_end")
                values = {**dict.fromkeys((*names, "next_dagrun_create_after"), date), **more}
                values.setdefault("exceeds_max_non_backfill", False)
                session.execute(update(DagModel).where(DagModel.dag_id.startswith(f"{one}_")).values(values))

    def created(self) -> int:
        """Count the runs."""
        with create_session() as session:
            return int(session.scalar(select(func.count()).select_from(DagRun)) or 0)

    def create(self) -> None:
        """Create runs until all are there."""
        while self.created() < self._count:
            self.step()

    def step(self) -> None:
        """Create the runs of one loop."""
        with create_session() as session, prohibit_commit(session) as guard:
            self._runner._create_dagruns_for_dags(guard, session)
            session.expunge_all()

    def release(self) -> None:
        """Clear the flags of all jobs that are due."""
        with create_session() as session:
            release(session)


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Return the milliseconds of time and of CPU that it takes."""
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - begin) * 1000, (time.process_time() - cpu) * 1000


def main(count: int, rounds: int) -> list[Figures]:
    """Measure a number of rounds, plain DAGs and jobs in turn."""
    bench = Bench(count)
    found = []
    for number in range(rounds):
        figures: Figures = {}
        for kind in KINDS if number % 2 == 0 else KINDS[::-1]:
            bench.due(kind)
            taken, cpu = measured(bench.create)
            figures |= {f"{kind}: a run": taken / count, f"{kind}: CPU of a run": cpu / count}
        bench.due("none")
        figures["a look without dates"] = measured(bench.step)[0]
        figures["a look at flags"] = measured(bench.release)[0]
        bench.due("job", exceeds_max_non_backfill=True)
        figures["all flags cleared"] = measured(bench.release)[0]
        found.append(figures)
    return found


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))  # noqa: T201 - read by schedule.py
