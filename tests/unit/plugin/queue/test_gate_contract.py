"""What the gate leans on in Airflow's scheduler, by name: a release that changes it fails here first."""

import inspect

import pytest
from airflow.api.common import mark_tasks
from airflow.api.common.mark_tasks import set_dag_run_state_to_failed
from airflow.api.common.trigger_dag import trigger_dag
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dagrun import DagRun
from airflow.utils.sqlalchemy import prohibit_commit
from airflow.utils.state import DagRunState


def test_a_run_is_started_in_one_place_and_listeners_hear_of_it_before_the_commit():
    source = inspect.getsource(SchedulerJobRunner._start_queued_dagruns)
    assert source.index("dag_run.state = DagRunState.RUNNING") < source.index(
        'notify_dagrun_state_changed(msg="started")'
    )
    assert "commit" not in source
    assert source.count("DagRunState.RUNNING") == 2, "to count the active ones, and to start one"
    scheduling = inspect.getsource(SchedulerJobRunner._do_scheduling)
    assert scheduling.index("self._start_queued_dagruns(session)") < scheduling.index("guard.commit()")


def test_the_scheduler_knows_the_dag_of_a_run_that_it_starts():
    source = inspect.getsource(SchedulerJobRunner._start_queued_dagruns)
    assert "dag = dag_run.dag = cached_get_dag(dag_run)" in source


def test_a_listeners_error_is_swallowed_which_is_why_the_run_is_held_first():
    source = inspect.getsource(DagRun.notify_dagrun_state_changed)
    assert "except Exception" in source


def test_back_to_queued_makes_the_waiting_begin_anew_unless_it_is_kept(job):
    run = job.run("a", DagRunState.RUNNING)
    queued_at = run.queued_at
    run.state = DagRunState.QUEUED
    assert run.queued_at != queued_at
    assert run.start_date is None


def test_what_the_scheduler_tells_listeners_of_an_end():
    natural = inspect.getsource(DagRun.update_state)
    for msg in ("task_failure", "success", "all_tasks_deadlocked"):
        assert f'notify_dagrun_state_changed(msg="{msg}")' in natural
    timed_out = inspect.getsource(SchedulerJobRunner._schedule_dag_run)
    assert timed_out.index("TaskInstanceState.SKIPPED") < timed_out.index("session.flush()")
    assert timed_out.index("session.flush()") < timed_out.index('notify_dagrun_state_changed(msg="timed_out")')


def test_a_savepoint_of_the_session_is_refused_and_one_of_its_connection_is_not(session):
    with prohibit_commit(session):
        with pytest.raises(RuntimeError, match="UNEXPECTED COMMIT"), session.begin_nested():
            pass
        with session.connection().begin_nested():
            pass


def test_queued_runs_are_examined_in_the_order_that_stepping_back_uses():
    source = inspect.getsource(DagRun.get_queued_dag_runs_to_set_running)
    order = source[source.index(".order_by(") :]
    assert order.index("sort_ordinal") < order.index("last_scheduling_decision") < order.index("cls.run_after")
    assert "skip_locked=True" in source


def test_how_a_run_is_made_and_ended_for_a_subtask():
    made, ended = (list(inspect.signature(one).parameters) for one in (trigger_dag, set_dag_run_state_to_failed))
    assert {"dag_id", "run_id", "conf", "run_type", "triggered_by", "session"} <= set(made)
    assert ended == ["dag", "run_id", "commit", "session"]
    assert "commit()" not in inspect.getsource(mark_tasks), "it is a part of our transaction"
