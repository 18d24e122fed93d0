"""A run that is ended from outside: what it reaches, and what is written."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import text

from airflow_mcp_provider.plugin.db import run_end
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.queue.cancel import Reached, end_run

GRACE = 900


def ref(run):
    return RunRef(run.id, run.dag_id, run.run_id)


def task(session, run, name, state, index=-1, **fields):
    one = TaskInstance(run.dag.get_task(name), dag_version_id=None, run_id=run.run_id, state=state, map_index=index)
    for field, value in fields.items():
        setattr(one, field, value)
    session.add(one)
    session.flush()


def states(session):
    return session.execute(text("SELECT state FROM task_instance ORDER BY task_id, map_index")).scalars().all()


def cancel(session, run, **more):
    end = End(Reason.CANCELLED, "wrong url", by="ann", **more)
    found = end_run(session, ref(run), end, GRACE)
    session.refresh(run)
    return found


ALL = [
    ("running", "failed"),
    ("restarting", "failed"),
    ("deferred", "failed"),
    (None, "skipped"),
    ("scheduled", "skipped"),
    ("queued", "skipped"),
    ("up_for_retry", "skipped"),
    ("up_for_reschedule", "skipped"),
    ("success", "success"),
    ("failed", "failed"),
    ("skipped", "skipped"),
    ("upstream_failed", "upstream_failed"),
    ("removed", "removed"),
]


def test_what_works_is_ended_and_what_does_not_never_starts(job, session):
    run = job.run("a", DagRunState.RUNNING)
    for index, (state, _) in enumerate(ALL):
        task(session, run, "run", state, index)
    began = datetime.now(UTC)
    assert cancel(session, run) == Reached(was_active=True, running=3, waiting=5)
    assert states(session) == [after for _, after in ALL]
    assert (run.state, run.note, run.end_date is not None) == ("failed", "cancelled: wrong url", True)
    end = run_end.of_run(session.connection(), run.id)
    assert (end.reason, end.text, end.by, end.grace) == ("cancelled", "wrong url", "ann", 3)
    assert began < end.until - timedelta(seconds=GRACE) < datetime.now(UTC)
    assert run_end.held(session.connection(), "crawl", timedelta(0))[0] == "a"


def test_a_queued_run_leaves_its_place_and_holds_no_slot(job, session):
    run = job.run("a")
    task(session, run, "plan", None)
    assert cancel(session, run) == Reached(was_active=True, waiting=1)
    assert (run.state, states(session)) == ("failed", ["skipped"])
    assert run_end.of_run(session.connection(), run.id).until is None
    assert run_end.held(session.connection(), "crawl", timedelta(0)) is None


def test_a_longer_grace_holds_the_slot_longer(job, session):
    run = job.run("a", DagRunState.RUNNING)
    task(session, run, "plan", TaskInstanceState.RUNNING)
    began = datetime.now(UTC)
    cancel(session, run, grace=63)
    until = run_end.of_run(session.connection(), run.id).until
    assert began < until - timedelta(seconds=60 + GRACE) < datetime.now(UTC)


def test_a_task_that_a_person_has_marked_may_still_work(job, session):
    run = job.run("a", DagRunState.RUNNING)
    task(session, run, "plan", TaskInstanceState.SUCCESS, last_heartbeat_at=datetime.now(UTC) - timedelta(seconds=3))
    assert cancel(session, run).running == 0
    assert run_end.of_run(session.connection(), run.id).until is not None


@pytest.mark.parametrize("state", [DagRunState.SUCCESS, DagRunState.FAILED])
def test_a_run_that_has_ended_is_left_as_it_is(job, session, state):
    run = job.run("a", state)
    assert cancel(session, run) == Reached()
    assert (run.state, run.note) == (state, None)
    assert run_end.of_run(session.connection(), run.id) is None


def test_twice_is_harmless(job, session):
    run = job.run("a", DagRunState.RUNNING)
    task(session, run, "plan", TaskInstanceState.RUNNING)
    cancel(session, run)
    first = run_end.of_run(session.connection(), run.id)
    assert end_run(session, ref(run), End(Reason.TIMEOUT, "again"), GRACE) == Reached()
    assert run_end.of_run(session.connection(), run.id) == first


def test_a_run_that_is_gone_has_ended(session):
    assert end_run(session, RunRef(99, "crawl", "a"), End(Reason.CANCELLED, ""), GRACE) == Reached()
