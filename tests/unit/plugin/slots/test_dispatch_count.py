"""A real LocalExecutor with real worker processes; what they work on are workloads of these tests."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from airflow.executors.local_executor import LocalExecutor
from airflow.models.callback import CallbackKey, CallbackState
from airflow.models.connection_test import ConnectionTestKey
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.utils.state import TaskInstanceState
from sqlalchemy import create_engine, select
from sqlalchemy.orm import sessionmaker

from airflow_mcp_provider.plugin.slots import lost_workers
from airflow_mcp_provider.plugin.slots.dispatch_count import count_dispatched
from tests.sizes import patient

RUNNING = TaskInstanceState.RUNNING


@dataclass
class Held:
    """A workload that its worker is busy with as long as the file is not there; the rest is what Airflow asks for."""

    key: object
    file: Path
    running_state: object = None
    success_state: object = TaskInstanceState.SUCCESS
    failure_state: object = TaskInstanceState.FAILED

    @property
    def display_name(self):
        self.file.with_suffix(f".{os.getpid()}").touch()
        while not self.file.exists():
            time.sleep(0.02)
        return "held"


def task(index, try_number=1):
    return TaskInstanceKey("crawl", "run", "one", try_number, index)


@pytest.fixture
def start(tmp_path):
    """Make an executor of the kind, give it workloads, and end its workers with the test."""
    started = []

    def start(kind, *keys, parallelism=2, **more):
        executor = kind(parallelism=parallelism)
        executor.start()
        started.append(executor)
        hand(executor, keys, tmp_path / "go", **more)
        return executor

    yield start
    (tmp_path / "go").touch()
    for executor in started:
        executor.end()


def hand(executor, keys, file, **more):
    for key in keys:
        queue = executor.queued_tasks if isinstance(key, TaskInstanceKey) else executor.queued_callbacks
        queue[key] = Held(key, file, **more)
    executor._process_workloads([Held(key, file, **more) for key in keys])


def kind():
    class Counting(LocalExecutor):
        pass

    count_dispatched(Counting)
    return Counting


def until(what, executor):
    end = time.monotonic() + patient(60)
    while not what():
        assert time.monotonic() < end
        executor.sync()
        time.sleep(0.05)


def kill_a_busy_worker(executor, folder):
    until(lambda: list(folder.glob("go.*")), executor)
    pid = int(next(folder.glob("go.*")).suffix[1:])
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid not in executor.workers, executor)


def test_without_us_nothing_is_counted(start):
    assert start(LocalExecutor, task(0), task(1)).slots_available == 2


def test_what_is_dispatched_takes_a_slot_until_it_is_reported(start, tmp_path):
    executor = start(kind(), task(0), task(1))
    assert (executor.slots_available, executor.slots_occupied) == (0, 2)
    (tmp_path / "go").touch()
    until(lambda: not executor.running, executor)
    assert executor.slots_available == 2
    assert {*executor.event_buffer} == {task(0), task(1)}


def test_a_callback_that_has_begun_keeps_its_slot(start, tmp_path):
    """Airflow's own ``change_state`` takes it out of ``running`` when the worker says that it begins."""
    key = CallbackKey("callback")
    executor = start(kind(), key, running_state=CallbackState.RUNNING)
    until(lambda: key in executor.event_buffer, executor)
    assert executor.running == {key}
    (tmp_path / "go").touch()
    until(lambda: not executor.running, executor)


@pytest.fixture
def instance(job, session, own_sessions):
    """The task instance of ``task(index)``, in the database."""

    def make(index, state):
        one = TaskInstance(job.dag.get_task("run"), run_id="one", map_index=index, dag_version_id=None)
        one.state, one.try_number = state, 1
        session.add(one)
        session.flush()
        return one

    job.run("one", "running")
    return make


def test_the_slot_of_a_killed_worker_comes_back_when_airflow_has_ended_its_task(start, tmp_path, instance, session):
    instances = [instance(index, RUNNING) for index in range(2)]
    executor = start(kind(), task(0), task(1))
    kill_a_busy_worker(executor, tmp_path)
    time.sleep(lost_workers.INTERVAL)
    executor.sync()
    assert executor.running == {task(0), task(1)}, "the database says that both run"
    instances[0].state = TaskInstanceState.UP_FOR_RETRY
    session.flush()
    until(lambda: executor.running == {task(1)}, executor)


def test_the_next_try_is_another_one(start, tmp_path, instance, session):
    one = instance(0, RUNNING)
    executor = start(kind(), task(0))
    kill_a_busy_worker(executor, tmp_path)
    one.try_number = 2
    session.flush()
    until(lambda: not executor.running, executor)


def test_who_reports_is_no_suspect_any_more(start, tmp_path, instance, session):
    instance(0, RUNNING), instance(1, RUNNING)
    counting = kind()
    executor = start(counting, task(0), task(1))
    kill_a_busy_worker(executor, tmp_path)
    (tmp_path / "go").touch()
    until(lambda: len(executor.running) == 1, executor)
    (left,) = executor.running
    session.scalars(select(TaskInstance).where(TaskInstance.map_index == left.map_index)).one().state = "success"
    session.flush()
    until(lambda: not executor.running, executor)


def test_what_is_no_task_instance_gets_its_slot_back_at_once(start, tmp_path, instance):
    instance(0, RUNNING)
    keys = task(0), CallbackKey("callback"), ConnectionTestKey("test")
    executor = start(kind(), *keys, parallelism=3)
    kill_a_busy_worker(executor, tmp_path)
    assert executor.running == {task(0)}


def test_a_database_that_does_not_answer_ends_nobody(start, tmp_path, monkeypatch):
    factory = sessionmaker(create_engine("sqlite:////nowhere/at/all"))
    monkeypatch.setattr("airflow.settings.NonScopedSession", factory)
    executor = start(kind(), task(0))
    kill_a_busy_worker(executor, tmp_path)
    assert executor.running == {task(0)}


def test_a_stuck_task_instance_is_forgotten(start):
    class Revoked:
        key = task(0)

    executor = start(kind(), task(0), task(1))
    executor.revoke_task(ti=Revoked)
    executor.revoke_task(ti=Revoked)
    assert executor.running == {task(1)}


def test_an_airflow_that_counts_by_itself_counts_no_more(start):
    class Tomorrow(LocalExecutor):
        def _process_workloads(self, workload_list):
            self.running.update(workload.key for workload in workload_list)
            super()._process_workloads(workload_list)

    count_dispatched(Tomorrow)
    assert start(Tomorrow, task(0), task(1)).slots_occupied == 2
