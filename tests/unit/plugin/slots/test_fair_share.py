"""The order in which the real scheduler takes ready task instances, on a real table."""

from collections import Counter

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from structlog.testing import capture_logs

from airflow_mcp_provider.plugin.slots import fair_share
from airflow_mcp_provider.plugin.slots.fair_share import share_fairly
from airflow_mcp_provider.plugin.slots.round_robin import KEPT, Turns


def take(scheduler, session, slots):
    """Let the scheduler queue what it finds for ``slots`` free slots, and give how many each job got."""
    found = scheduler._executable_task_instances_to_queued(slots, session=session)
    session.expire_all()
    return Counter(ti.dag_id for ti in found)


def test_without_us_the_earlier_run_gets_every_slot(ready, scheduler, session):
    """If Airflow should get fair one day, this file tells."""
    ready("early", count=20, day=1)
    ready("late", count=20, day=2)
    assert take(scheduler(), session, 8) == {"early": 8}


def test_two_runs_share_the_slots(ready, scheduler, session):
    ready("early", count=20, day=1)
    ready("late", count=20, day=2)
    assert take(scheduler(share_fairly), session, 8) == {"early": 4, "late": 4}


def test_a_free_slot_goes_to_the_run_that_has_the_fewest(ready, scheduler, session):
    early, late = ready("early", count=20, day=1), ready("late", count=20, day=2)
    for index in range(100, 106):
        early.instance(index, TaskInstanceState.RUNNING)
    late.instance(100, TaskInstanceState.QUEUED)
    session.flush()
    assert take(scheduler(share_fairly), session, 5) == {"late": 5}
    assert take(scheduler(share_fairly), session, 4) == {"early": 2, "late": 2}


def test_what_nobody_else_wants_is_taken(ready, scheduler, session):
    ready("early", count=20, day=1)
    ready("late", count=1, day=2)
    assert take(scheduler(share_fairly), session, 8) == {"early": 7, "late": 1}


@pytest.mark.parametrize("slots", [1, 3])
def test_more_runs_than_slots_take_turns(ready, scheduler, session, slots):
    """Each slot is free again before the next one is given: no run has an active task instance then."""
    for day, name in enumerate("abcd"):
        ready(name, count=20, day=day)
    one, got = scheduler(share_fairly), Counter()
    for _ in range(12 // slots):
        got += take(one, session, slots)
        for ti in session.scalars(select(TaskInstance).where(TaskInstance.state == TaskInstanceState.QUEUED)):
            ti.state = TaskInstanceState.SUCCESS
        session.flush()
    assert got == {"a": 3, "b": 3, "c": 3, "d": 3}


def test_the_priority_stays_above(ready, scheduler, session):
    ready("plain", count=20, day=1)
    ready("urgent", count=6, day=2, priority=5)
    assert take(scheduler(share_fairly), session, 8) == {"urgent": 6, "plain": 2}


def test_a_runs_own_order_stays(ready, scheduler, session):
    ready("early", count=20, day=1)
    found = scheduler(share_fairly)._executable_task_instances_to_queued(5, session=session)
    assert [ti.map_index for ti in found] == [0, 1, 2, 3, 4]


def test_max_active_tasks_holds(ready, scheduler, session):
    limited = ready("limited", count=20, day=1, limit=3)
    limited.instance(100, TaskInstanceState.RUNNING)
    session.flush()
    ready("late", count=20, day=2)
    one = scheduler(share_fairly)
    for _ in range(3):
        take(one, session, 6)
    assert limited.active() == 3


def test_an_executor_without_slots_keeps_nobody_else_from_work(ready, scheduler, session):
    """The first task instances are refused; the scheduler's next query leaves them out."""
    ready("early", count=20, day=1)
    one = scheduler(share_fairly, parallelism=2)
    assert take(one, session, 8) == {"early": 2}


def statements(session, scheduler):
    """What the scheduler executes to find ready task instances, as it is for Postgres."""
    from sqlalchemy import event

    seen = []
    event.listen(session, "do_orm_execute", lambda state: seen.append(state.statement))
    scheduler._executable_task_instances_to_queued(4, session=session)
    return [s for s in seen if "row_num" in str(s)]


def test_only_the_order_is_another(ready, scheduler, session):
    ready("early", count=2)
    (theirs,) = statements(session, scheduler())
    ours = fair_share.fair(theirs.with_for_update(of=TaskInstance, skip_locked=True), Turns())
    text = str(ours.compile(dialect=postgresql.dialect()))
    order, _, end = text.rpartition("ORDER BY ")[2].partition(" \n LIMIT ")
    assert order.startswith("-anon_1.priority_weight_for_ordering, anon_1.row_num + coalesce(")
    assert order.endswith(", anon_1.logical_date_for_ordering, anon_1.map_index_for_ordering")
    assert end.endswith("FOR UPDATE OF task_instance SKIP LOCKED")
    assert ours._with_options == theirs._with_options


def test_another_statement_is_left_alone_and_told_once(ready, scheduler, session, monkeypatch):
    ready("early", count=20, day=1)
    ready("late", count=20, day=2)
    monkeypatch.setattr(fair_share, "NEEDED", {"a_column_of_tomorrow"})
    fair_share._warn.cache_clear()
    with capture_logs() as logs:
        one = scheduler(share_fairly)
        assert take(one, session, 4) == {"early": 4}
        assert take(one, session, 4) == {"early": 4}
    assert [log["reason"] for log in logs if "fair share" in log["event"]] == [
        "ValueError: the statement has no subquery of ready task instances"
    ]


def test_a_session_is_left_as_it_was(ready, scheduler, session):
    ready("early", count=1)
    take(scheduler(share_fairly), session, 4)
    assert not list(session.dispatch.do_orm_execute)


def test_old_turns_are_forgotten():
    turns = Turns()
    turns.taken(("job", str(number)) for number in range(3 * KEPT))
    assert list(turns._runs) == [("job", str(number)) for number in range(2 * KEPT, 3 * KEPT)]
