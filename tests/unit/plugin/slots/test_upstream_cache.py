"""How often Airflow's scheduler asks what a mapped task is mapped over; the dependency and the tables are Airflow's."""

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.ti_deps.dep_context import DepContext
from airflow.ti_deps.deps.mapped_task_upstream_dep import MappedTaskUpstreamDep
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import event

from airflow_mcp_provider.plugin.slots.upstream_cache import cache_upstream_checks


class Scheduler:
    def _schedule_dag_run(self, look):
        return look()


@pytest.fixture
def asked(session, job):
    """Look at a run of 50 mapped task instances whose plan is in a state; gives the queries, and the statuses found."""
    run = job.run("one", DagRunState.RUNNING)

    def instance(task_id, index, state):
        one = TaskInstance(job.dag.get_task(task_id), run_id=run.run_id, map_index=index, dag_version_id=None)
        one.state = state
        session.add(one)
        return one

    class Dependency(MappedTaskUpstreamDep):
        pass

    class Looking(Scheduler):
        pass

    cache_upstream_checks(Looking, Dependency)

    def asked(state, looks=1):
        plan, mapped = instance("plan", -1, state), [instance("run", index, None) for index in range(50)]
        session.flush()
        queries, found = [], []
        note = lambda *_: queries.append(1)  # noqa: E731 - a listener
        event.listen(session.get_bind().engine, "before_cursor_execute", note)

        def look():
            for one in mapped:
                found.extend(Dependency()._get_dep_statuses(one, DepContext(), session=session))

        for _ in range(looks):
            Looking()._schedule_dag_run(look)
        event.remove(session.get_bind().engine, "before_cursor_execute", note)
        assert plan.state == state
        return len(queries), len(found)

    return asked


def test_one_question_a_look(asked):
    assert asked(TaskInstanceState.SUCCESS) == (1, 0)


def test_the_next_look_asks_again(asked):
    assert asked(TaskInstanceState.SUCCESS, looks=2) == (2, 0)


def test_what_fails_is_told_of_each(asked):
    questions, found = asked(TaskInstanceState.FAILED)
    assert found == 50
    assert questions >= 50
