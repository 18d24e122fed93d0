"""What the gate leans on in Airflow's scheduler, by name: a release that changes it fails here first."""

import inspect

import pytest
from airflow.dag_processing.collection import DagModelOperation
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dagrun import DagRun
from airflow.utils.sqlalchemy import prohibit_commit
from airflow.utils.state import DagRunState

from airflow_mcp_provider.plugin.queue import termination


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


def test_the_scheduler_limits_the_tasks_of_each_run_by_the_column_that_we_set():
    source = inspect.getsource(SchedulerJobRunner._executable_task_instances_to_queued)
    assert "task_per_dr_count, 0) < DM.max_active_tasks" in source
    assert "DM.max_active_tasks.label(" in source
    assert "dag_max_active_tasks = task_instance.dag_model.max_active_tasks" in source
    assert "dm.max_active_tasks = dag.max_active_tasks" in inspect.getsource(DagModelOperation.update_dags)


def test_the_scheduler_writes_down_whom_it_gives_up():
    source = inspect.getsource(SchedulerJobRunner._purge_task_instances_without_heartbeats)
    assert f'event="{termination.GIVEN_UP}"' in source


def test_a_scheduler_examines_a_run_under_the_lock_that_a_cancel_takes():
    source = inspect.getsource(DagRun.get_running_dag_runs_to_examine)
    assert "with_row_locks(" in source
    assert "of=cls" in source
