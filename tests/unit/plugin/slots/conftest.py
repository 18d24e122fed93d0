"""Runs with ready task instances, and a scheduler that takes them; no process of Airflow's."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.jobs.job import Job as AirflowJob
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select, update
from sqlalchemy.orm import sessionmaker

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def own_sessions(session, monkeypatch):
    """What opens a session of its own sees the test's transaction."""
    factory = sessionmaker(session.connection(), join_transaction_mode="create_savepoint")
    monkeypatch.setattr("airflow.settings.NonScopedSession", factory)


class Ready:
    """A run whose subtasks ``0 … count`` are ready; ``day`` is its place by its logical date, None for no date."""

    def __init__(self, session, job, *, count, day=None, priority=1, limit=1000):
        self.session, self.job = session, job
        self.run = job.run("one", DagRunState.RUNNING)
        self.run.logical_date = None if day is None else LONG_AGO + timedelta(days=day)
        session.execute(update(job_model()).values(max_active_tasks=limit).where(job_model().dag_id == job.dag.dag_id))
        for index in range(count):
            self.instance(index, TaskInstanceState.SCHEDULED, priority)
        session.flush()

    def instance(self, index, state, priority=1):
        one = TaskInstance(self.job.dag.get_task("run"), run_id="one", map_index=index, dag_version_id=None)
        one.state, one.try_number, one.priority_weight = state, 1, priority
        self.session.add(one)

    def active(self):
        return self._count(TaskInstanceState.QUEUED, TaskInstanceState.RUNNING)

    def _count(self, *states):
        query = select(TaskInstance).where(TaskInstance.dag_id == self.job.dag.dag_id, TaskInstance.state.in_(states))
        return len(self.session.scalars(query).all())


def job_model():
    from airflow.models.dag import DagModel

    return DagModel


@pytest.fixture
def ready(session, make_job):
    """Make a run with ready subtasks."""
    session.add(Pool(pool="default_pool", slots=10_000, description="", include_deferred=False))

    def make(job_id, **more):
        return Ready(session, make_job(job_id), **more)

    return make


@pytest.fixture
def scheduler(session, monitored):
    """Make a scheduler of a class that ``change`` has changed; a LocalExecutor of ``parallelism``."""

    def make(*changes, parallelism=32):
        from airflow.executors.executor_utils import ExecutorName
        from airflow.executors.local_executor import LocalExecutor

        class Scheduler(SchedulerJobRunner):
            pass

        for change in changes:
            change(Scheduler)
        executor = LocalExecutor(parallelism=parallelism)
        executor.name = ExecutorName("airflow.executors.local_executor.LocalExecutor", "LocalExecutor")
        job = AirflowJob()
        job.id = 1
        made = Scheduler(job, executors=[executor])
        job.job_type = "played"  # else the watch of the queue, which began with the job, would look at a database
        monitored()
        return made

    return make
