"""Runs that end from outside, and what a look at the queue tells those that wait."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import delete, text, update

from airflow_mcp_provider.plugin.db import run_end, run_notes
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.db.tables import Log
from airflow_mcp_provider.plugin.queue import monitor, ordering, slot, termination
from airflow_mcp_provider.spec.marker import Marker
from tests.unit.plugin.conftest import SETTINGS as SHORT

GRACE = timedelta(minutes=15)  # no test takes so long
SETTINGS = replace(SHORT, end_grace=GRACE.total_seconds())


def task(session, job, run, name, state, **fields):
    instance = TaskInstance(job.dag.get_task(name), dag_version_id=None, run_id=run.run_id, state=state)
    session.add(instance)
    for field, value in fields.items():
        setattr(instance, field, value)
    session.flush()


def states(session):
    rows = session.execute(
        text("SELECT task_id, state, start_date IS NOT NULL AND end_date IS NOT NULL FROM task_instance")
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def held(session, job, run):
    return slot.look(session.connection(), job.run("next"), GRACE).reason is not None and run.id


def test_a_run_timeout_tells_what_was_running_from_what_was_not(make_job, session):
    job = make_job("crawl", "timeouts: {run: 1h}")
    run = job.run("slow", DagRunState.FAILED)
    run.end_date = now = datetime.now(UTC)
    task(session, job, run, "plan", TaskInstanceState.SUCCESS, start_date=now, end_date=now)
    task(session, job, run, "run", TaskInstanceState.SKIPPED, start_date=now, end_date=None)
    task(session, job, run, "report", TaskInstanceState.SKIPPED, start_date=None, end_date=None)
    termination.ended(run, "timed_out", SETTINGS)
    assert states(session) == {"plan": ("success", True), "run": ("failed", True), "report": ("skipped", True)}
    session.refresh(run)
    assert run.note == "failed: timeouts.run (1h) passed: 1 running tasks were ended, 1 were not started"
    assert held(session, job, run)


@pytest.mark.parametrize("msg", termination.BY_ITSELF)
def test_a_run_that_ended_by_itself_gives_its_slot_away_at_once(job, session, msg):
    run = job.run("done", DagRunState.SUCCESS)
    run.end_date = now = datetime.now(UTC)
    task(session, job, run, "report", TaskInstanceState.SUCCESS, last_heartbeat_at=now)
    termination.ended(run, msg, SETTINGS)
    assert not held(session, job, run)


@pytest.mark.parametrize(("seconds_ago", "expected"), [(2, True), (3600, False)])
def test_a_run_that_is_cancelled_holds_its_slot_when_a_task_was_alive(job, session, seconds_ago, expected):
    run = job.run("cancelled", DagRunState.FAILED)
    run.end_date = now = datetime.now(UTC)
    task(session, job, run, "run", TaskInstanceState.FAILED, last_heartbeat_at=now - timedelta(seconds=seconds_ago))
    termination.ended(run, "Dag Run's state was manually set to `failed`.", SETTINGS)
    assert bool(held(session, job, run)) is expected


def test_the_first_that_wait_are_told_who_has_the_slot_and_the_others_that_it_takes_longer(job, session):
    for number in range(monitor.NAMED + 2):
        job.run(f"run_{number}")
    queue = ordering.sort(ordering.of_job(session.connection(), "crawl"), Marker())
    texts = [text for _, text in monitor._texts(queue, "manual__1")]
    assert (
        texts == ["waiting: manual__1 is running"] * 10 + ["waiting: 10 or more runs of this job are ahead of it"] * 2
    )
    assert list(monitor._texts(queue, None)) == []


def test_a_run_that_somebody_ended_meanwhile_is_not_ended_again(job, session):
    run = job.run("a", DagRunState.RUNNING)
    assert termination.end_unstarted(session, session.connection(), {run.id: End(Reason.QUEUE_TIMEOUT, "late")}) == []
    session.refresh(run)
    assert (run.state, run.note) == ("running", None)


@pytest.mark.parametrize("note", ["because", "waiting for Godot"])
def test_a_note_of_a_person_is_never_touched(job, session, note):
    run = job.run("a")
    run.note = note
    session.flush()
    run_notes.put(session.connection(), run.id, "waiting: x")
    run_notes.clear(session.connection(), run.id)
    assert session.execute(text("SELECT content FROM dag_run_note")).scalars().all() == [note]


@pytest.mark.parametrize("marker", [Marker(), Marker(5, timedelta(seconds=1.5))])
def test_a_marker_is_read_as_it_was_written(marker):
    assert Marker.read(marker.dump()) == marker


@pytest.mark.parametrize(
    "broken",
    [None, 1, [], {}, {"priority": True}, {"priority": 1, "queue_timeout": "5m"}, {"priority": 1, "queue_timeout": 0}],
)
def test_a_broken_marker_is_an_error(broken):
    with pytest.raises(ValueError, match="invalid marker of a job in the serialized DAG"):
        Marker.read(broken)


@pytest.mark.parametrize("value", ["5", "[]", "null", "{", '{"until": 5}', '{"until": "x"}', None])
def test_a_damaged_row_of_an_ended_run_holds_the_slot_for_the_usual_time(job, session, value):
    run_end.hold(session.connection(), "crawl", "slow", datetime.now(UTC) + timedelta(hours=1))
    session.execute(update(Log).values(extra=value))
    following, grace = job.run("next"), timedelta(hours=1)
    assert slot.look(session.connection(), following, grace).reason
    session.execute(update(Log).values(dttm=datetime.now(UTC) - timedelta(hours=1, seconds=1)))
    assert slot.look(session.connection(), following, grace).reason is None


def test_the_longest_hold_counts(job, session):
    for name, minutes in (("b", 5), ("a", 50), ("c", 20)):
        run_end.hold(session.connection(), "crawl", name, datetime.now(UTC) + timedelta(minutes=minutes))
    assert run_end.held(session.connection(), "crawl", timedelta(0))[0] == "a"
    assert run_end.held(session.connection(), "other", timedelta(0)) is None


def test_a_run_whose_runner_was_given_up_holds_its_slot_after_it_has_ended_by_itself(job, session):
    run = job.run("hung", DagRunState.FAILED)
    run.end_date = datetime.now(UTC)
    row = Log(termination.GIVEN_UP, dag_id="crawl", run_id="hung", task_id="run", map_index=0)
    session.add(row)
    session.flush()
    termination.ended(run, "task_failure", SETTINGS)
    assert held(session, job, run)
    assert run_end.of_run(session.connection(), run.id) is None, "it ended by itself"
    session.execute(delete(Log).where(Log.event == run_end.HELD))
    row.dttm = datetime.now(UTC) - GRACE - timedelta(seconds=1)
    session.flush()
    termination.ended(run, "task_failure", SETTINGS)
    assert run_end.held(session.connection(), "crawl", timedelta(0)) is None


def test_how_a_run_ended_is_told(make_job, session):
    job = make_job("crawl", "timeouts: {run: 1h, queue: 30m}")
    connection = session.connection()

    def ended(name, msg, **state):
        run = job.run(name, DagRunState.FAILED)
        run.end_date = datetime.now(UTC) - timedelta(**state)
        session.flush()
        termination.ended(run, msg, SETTINGS)
        return run_end.of_run(connection, run.id)

    assert ended("a", "timed_out").reason == "timeout"
    cancelled = ended("b", "Dag Run's state was manually set to `failed`.")
    assert (cancelled.reason, cancelled.by, cancelled.until) == ("cancelled", None, None)
    assert ended("c", "Dag Run's state was manually set to `failed`.", hours=1) is None, "it had failed before"
    assert ended("d", "task_failure") is None
    old = job.run("old", queued_at=datetime.now(UTC) - timedelta(hours=2))
    waiting = ordering.of_job(connection, "crawl")
    ends = ordering.endings(waiting, Marker(timeout=timedelta(minutes=30)), datetime.now(UTC))
    termination.end_unstarted(session, connection, ends)
    assert run_end.of_run(connection, old.id).reason == "queue_timeout"


@pytest.mark.parametrize("damaged", ["5", "{}", "null", '{"reason": "x"}', '{"reason": "cancelled", "more": 1}'])
def test_a_damaged_end_is_none(damaged):
    assert run_end.End.read(damaged) is None


def test_an_end_is_read_as_it_was_written():
    end = run_end.End(run_end.Reason.REPLACED, "by b", "ann", datetime.now(UTC), datetime.now(UTC), 5.0, 2)
    assert run_end.End.read(end.row()) == end


def test_a_run_that_is_deleted_while_its_tasks_work_keeps_the_slot(job, session):
    run = job.run("gone")
    lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(job.dag))
    SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
    task(session, job, run, "run", TaskInstanceState.RUNNING)
    session.commit()
    session.delete(run)
    session.flush()
    assert held(session, job, run)


@pytest.fixture
def punctual(make_job):
    return make_job("crawl", "schedule: {every: 1m, misfire_grace: 30m}")


def test_a_scheduled_run_that_could_not_start_in_time_is_dropped_with_a_reason(punctual, session, start):
    run = punctual.run("scheduled__1", run_type="scheduled")
    assert start(run) == "failed"
    end = run_end.of_run(session.connection(), run.id)
    assert (end.reason, end.state) == (Reason.MISFIRE, "timeout")
    session.refresh(run)
    due = f"{run.run_after:%Y-%m-%d %H:%M:%S} UTC"
    assert run.note == f"failed: misfire_grace (30m) passed before the run of {due} could start"


@pytest.mark.parametrize(
    ("kind", "after", "clears"), [("scheduled", 2000, 0), ("manual", 0, 0), ("scheduled", 0, 1), ("backfill", 0, 0)]
)
def test_a_run_in_time_one_of_a_person_and_one_that_was_cleared_are_not_dropped(
    punctual, session, start, kind, after, clears
):
    run = punctual.run("one", run_type=kind, after=after)
    run.clear_number = clears
    session.flush()
    assert start(run) == "running"
