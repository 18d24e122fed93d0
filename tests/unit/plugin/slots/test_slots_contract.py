"""What ``plugin/slots`` leans on in Airflow's scheduler and LocalExecutor, by name: see ``plugin/slots/airflow_internals.py``."""

import inspect

from airflow.executors import local_executor
from airflow.executors.workloads.callback import ExecuteCallback
from airflow.executors.workloads.task import ExecuteTask
from airflow.models.callback import CallbackState
from airflow.models.connection_test import ConnectionTestState
from airflow.models.dagrun import DagRun

from airflow_mcp_provider.plugin.slots import airflow_internals, dispatch_count


def source(function):
    return inspect.getsource(inspect.unwrap(function))


def test_the_local_executor_does_not_count_what_it_dispatches():
    """When this fails, Airflow counts by itself: the seam does no harm then, and can go."""
    assert "running" not in source(airflow_internals.LocalExecutor._process_workloads).replace("running_state", "")
    assert list(inspect.signature(airflow_internals.LocalExecutor._process_workloads).parameters) == [
        "self",
        "workload_list",
    ]


def test_what_is_free_is_computed_from_what_is_counted():
    for place in (
        airflow_internals.BaseExecutor.slots_available.fget,
        airflow_internals.BaseExecutor.slots_occupied.fget,
    ):
        assert "len(self.running)" in source(place)
    assert "open_slots = self.parallelism - len(self.running)" in source(airflow_internals.BaseExecutor.heartbeat)
    assert "self._parallelism - num_occupied_slots" in source(
        airflow_internals.SchedulerJobRunner._critical_section_enqueue_task_instances
    )


def test_a_report_takes_the_key_out_again_and_a_begin_would_too():
    assert "self.running.remove(key)" in source(airflow_internals.BaseExecutor.change_state)
    assert "self.change_state(key, state)" in source(airflow_internals.LocalExecutor._read_results)
    assert CallbackState.RUNNING == ConnectionTestState.RUNNING == dispatch_count.BEGUN
    assert isinstance(ExecuteCallback.running_state, property)
    assert ExecuteTask.running_state.fget(None) is None


def test_dead_workers_leave_the_books_when_they_are_looked_at():
    check = source(airflow_internals.LocalExecutor._check_workers)
    assert "if not proc.is_alive()" in check
    assert "self._check_workers()" in source(airflow_internals.LocalExecutor.sync)
    assert "self._check_workers()" in source(airflow_internals.LocalExecutor._process_workloads)


def test_shutdown_passes_none_of_the_methods_that_are_changed():
    end = source(airflow_internals.LocalExecutor.end)
    assert not [name for name in ("_check_workers", "self.sync", "_process_workloads", "self.running") if name in end]


def test_a_task_instance_that_is_stuck_is_revoked_and_queued_again():
    assert "raise NotImplementedError" in source(airflow_internals.BaseExecutor.revoke_task)
    stuck = source(airflow_internals.SchedulerJobRunner._handle_tasks_stuck_in_queued)
    assert stuck.index("executor.revoke_task(ti=ti)") < stuck.index("self._maybe_requeue_stuck_ti(")


def test_the_key_of_a_task_instance():
    assert airflow_internals.TaskInstanceKey._fields == ("dag_id", "task_id", "run_id", "try_number", "map_index")


def test_a_look_at_one_run():
    look = airflow_internals.SchedulerJobRunner._schedule_dag_run
    assert list(inspect.signature(inspect.unwrap(look)).parameters) == ["self", "dag_run", "session"]
    assert "callback = self._schedule_dag_run(run, session=session)" in source(
        airflow_internals.SchedulerJobRunner._schedule_all_dag_runs
    )
    assert source(look).rstrip().endswith("return callback_to_run")
    order = source(DagRun.get_running_dag_runs_to_examine)
    assert 'nulls_first(cast("ColumnElement[Any]", cls.last_scheduling_decision)' in order


def test_how_the_scheduler_asks_for_ready_task_instances():
    """``share`` finds the statement by its columns; that the order is the wanted one is tested by running it."""
    method = airflow_internals.SchedulerJobRunner._executable_task_instances_to_queued
    assert list(inspect.signature(inspect.unwrap(method)).parameters) == ["self", "max_tis", "session"]
    assert source(method).count(".order_by(\n") == 1
    assert source(method).count("session.scalars(locked_query)") == 1
    caller = source(airflow_internals.SchedulerJobRunner._critical_section_enqueue_task_instances)
    assert "self._executable_task_instances_to_queued(max_tis, session=session)" in caller


def test_the_dependency_on_what_a_task_is_mapped_over():
    ask = airflow_internals.MappedTaskUpstreamDep._get_dep_statuses
    assert inspect.isgeneratorfunction(ask)
    assert list(inspect.signature(ask).parameters) == ["self", "ti", "dep_context", "session"]
    source = inspect.getsource(ask)
    assert "TaskInstance.map_index == -1" in source, "it asks for the task, whichever its instance is"


def test_a_worker_supervises_a_task_by_the_static_method_that_is_patched():
    assert isinstance(
        inspect.getattr_static(airflow_internals.BaseExecutor, airflow_internals.RUN_WORKLOAD), staticmethod
    )
    assert "supervise_task(" in source(airflow_internals.BaseExecutor.run_workload)
    assert "BaseExecutor.run_workload(" in source(local_executor._run_worker)
