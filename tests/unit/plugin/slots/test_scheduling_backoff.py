"""Which runs a scheduler passes over; the look itself is Airflow's, and here one that takes as long as a test says."""

import pytest
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import update

from airflow_mcp_provider.plugin.slots import scheduling_backoff
from airflow_mcp_provider.plugin.slots.scheduling_backoff import SlowRuns, back_off_slow_runs


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on when a test says so."""

    class Clock:
        now = 1000.0

        def __call__(self):
            return self.now

    one = Clock()
    monkeypatch.setattr(scheduling_backoff, "monotonic", one)
    return one


@pytest.fixture
def look(ready, scheduler, session, clock):
    """Look at a run with ``count`` ready task instances; gives how often Airflow really looked."""

    def look(seconds, *, count, parallelism=2):
        looked = []

        def takes(kind):
            def look(self, dag_run, session):
                looked.append(dag_run.run_id)
                clock.now += seconds

            kind._schedule_dag_run = look

        one = scheduler(takes, back_off_slow_runs)
        one._parallelism = parallelism
        run = ready("crowd", count=count).run

        def again():
            one._schedule_dag_run(run, session=session)
            return len(looked)

        again.run = run
        return again

    return look


def test_a_long_look_is_followed_by_a_pause(look, clock, monkeypatch):
    monkeypatch.setattr(scheduling_backoff, "LONG", 0.5)
    again = look(0.5, count=4)
    assert [again(), again(), again()] == [1, 1, 1]
    clock.now += 0.5 * scheduling_backoff.PAUSE
    assert again() == 2


def test_a_run_that_is_passed_over_is_examined_after_the_others(look, monkeypatch):
    monkeypatch.setattr(scheduling_backoff, "LONG", 0)
    again = look(0.1, count=4)
    again(), again()
    assert again.run.last_scheduling_decision is not None


def test_a_short_look_is_followed_by_none(look):
    again = look(0, count=4)
    assert [again(), again()] == [1, 2]


def test_a_run_with_few_ready_ones_is_always_looked_at(look, monkeypatch, session):
    """Its next ones, and its end, wait for nothing but a look."""
    monkeypatch.setattr(scheduling_backoff, "LONG", 0.01)
    again = look(0.5, count=4)
    assert [again(), again()] == [1, 1]
    session.execute(update(TaskInstance).where(TaskInstance.map_index == 0).values(state="success"))
    assert again() == 2


def test_a_pause_has_an_end(clock):
    one = SlowRuns()
    one.took(1, 3600)
    assert one._due[1] - clock.now == scheduling_backoff.LIMIT
    one.took(1, 0)
    assert one._due == {}
