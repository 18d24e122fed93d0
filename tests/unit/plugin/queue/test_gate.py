"""The gate's decisions, asked as the scheduler asks: it sets a run to RUNNING and tells the listeners."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from airflow.listeners import hookimpl
from airflow.models.backfill import Backfill, BackfillDagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState
from sqlalchemy import text

from airflow_mcp_provider.plugin.db import run_notes
from airflow_mcp_provider.plugin.listener import QueueListener
from airflow_mcp_provider.plugin.queue import starved
from airflow_mcp_provider.plugin.queue.gate import Gate
from tests.unit.plugin.queue.conftest import fresh


def test_a_run_starts_when_no_other_is_active(job, start, session):
    run = job.run("a")
    assert start(run) == "running"
    assert fresh(session, run)[1] is not None
    assert run.last_scheduling_decision is None


@pytest.mark.parametrize("kind", ["manual", "backfill", "scheduled"])
def test_a_run_waits_while_another_is_active_of_whatever_kind(job, start, session, kind):
    job.run("active", DagRunState.RUNNING, run_type=kind)
    run = job.run("a")
    queued_at = run.queued_at
    assert start(run) == "queued"
    assert fresh(session, run)[1:] == (None, "waiting: active is running")
    assert run.queued_at == queued_at, "its waiting did not begin anew"
    assert run.last_scheduling_decision is not None, "Airflow looks at others first"


def test_jobs_do_not_wait_for_each_other(make_job, start):
    one, other = make_job("one"), make_job("other")
    one.run("active", DagRunState.RUNNING)
    assert start(other.run("a")) == "running"


def test_the_one_that_goes_first_is_started_in_the_others_place(job, start, session):
    first, second = job.run("first"), job.run("second")
    assert start(second) == "queued"
    assert fresh(session, first)[0] == "running"
    assert fresh(session, second)[2] == "waiting: first is next in the queue"


def test_priority_before_age_and_age_before_number(job, start, session):
    job.run("old")
    urgent = job.run("urgent", conf={"mcp_priority": 2})
    most_urgent = job.run("most_urgent", conf={"mcp_priority": "3"})
    assert start(urgent) == "queued"
    assert fresh(session, most_urgent)[0] == "running"


def test_the_jobs_priority_is_that_of_runs_that_say_none(make_job, start, session):
    job = make_job("crawl", "queue: {priority: 5}")
    low, none = job.run("low", conf={"mcp_priority": 4}), job.run("none")
    assert start(low) == "queued"
    assert fresh(session, none)[0] == "running"


def test_no_run_starts_before_its_time(job, start, session):
    later = job.run("later", conf={"mcp_priority": 1000}, after=7200)
    assert start(job.run("now")) == "running"
    assert fresh(session, later)[0] == "queued"


def backfilled(job, session, name, ordinal, **backfill):
    run = job.run(name, run_type="backfill", after=-100_000)
    day = datetime(2020, 1, 1, tzinfo=UTC)
    fill = Backfill(dag_id=job.dag.dag_id, from_date=day, to_date=day, max_active_runs=1, **backfill)
    session.add(fill)
    session.flush()
    run.backfill_id = fill.id
    session.add(BackfillDagRun(backfill_id=fill.id, dag_run_id=run.id, logical_date=day, sort_ordinal=ordinal))
    session.flush()
    return run


def test_a_backfill_goes_last_and_in_its_own_order(job, start, session):
    second, first = backfilled(job, session, "second", 2), backfilled(job, session, "first", 1)
    assert start(second) == "queued"
    assert fresh(session, first)[0] == "running"
    first._state = DagRunState.SUCCESS
    assert start(job.run("by_hand")) == "running"


def test_a_paused_backfill_does_not_stand_in_the_way(job, start, session):
    backfilled(job, session, "paused", 1, is_paused=True).conf = {"mcp_priority": 9}
    assert start(job.run("by_hand")) == "running"


def test_a_run_that_waited_too_long_ends_and_the_next_starts(make_job, start, session):
    job = make_job("crawl", "timeouts: {queue: 30m}")
    old = job.run("old")
    new = job.run("new", after=3000)
    session.add(TaskInstance(job.dag.get_task("plan"), dag_version_id=None, run_id="old"))
    assert start(old) == "failed"
    assert fresh(session, old)[2] == "failed: timeouts.queue (30m) passed before the run could start"
    assert session.execute(text("SELECT state FROM task_instance")).scalars().all() == ["skipped"]
    assert fresh(session, new)[0] == "running"


def test_waiting_begins_when_the_run_may_start(make_job, start):
    job = make_job("crawl", "timeouts: {queue: 30m}")
    run = job.run("planned_ahead", after=3000, queued_at=datetime.now(UTC) - timedelta(days=3))
    assert start(run) == "running"


@pytest.mark.parametrize("given", ["high", 1.5, 1001, -1001, [1]])
def test_a_priority_that_is_none_ends_the_run(job, start, session, given):
    run = job.run("a", conf={"mcp_priority": given})
    assert start(run) == "failed"
    assert "expected -1000 to 1000" in fresh(session, run)[2]


def test_a_note_of_a_person_stays_and_ours_go(job, start, session):
    active = job.run("active", DagRunState.RUNNING)
    theirs, ours = job.run("theirs"), job.run("ours")
    run_notes.put(session.connection(), ours.id, "failed: as long ago")
    theirs.note = "why I did this"
    assert (start(theirs), start(ours)) == ("queued", "queued")
    assert fresh(session, ours)[2] == "waiting: active is running"
    active._state = DagRunState.SUCCESS
    assert start(theirs) == "running"
    theirs._state = DagRunState.SUCCESS
    assert start(ours) == "running"
    assert (fresh(session, theirs)[2], fresh(session, ours)[2]) == ("why I did this", None)


def test_its_siblings_step_back_so_that_airflow_looks_at_other_jobs(job, start, session):
    job.run("active", DagRunState.RUNNING)
    first, second = job.run("first"), job.run("second")
    start(first)
    session.refresh(second)
    assert second.last_scheduling_decision is not None


def test_a_broken_marker_starts_nothing_and_says_so_once(job, start, session):
    run = job.run("a")
    job.dag.default_args["mcp"] = {"priority": "high"}
    assert (start(run), start(run)) == ("queued", "queued")
    assert fresh(session, run)[2].startswith("waiting: the gate failed and will retry: ValueError: invalid marker")


def test_an_error_of_the_database_undoes_only_the_decision(job, start, session):
    run = job.run("a")
    run_notes.put(session.connection(), run.id, "failed: as long ago")
    session.execute(text("CREATE TRIGGER broken BEFORE DELETE ON dag_run_note BEGIN SELECT RAISE(ABORT, 'no'); END"))
    assert start(run) == "queued"
    assert "IntegrityError: (sqlite3.IntegrityError) no" in fresh(session, run)[2]
    session.execute(text("DROP TRIGGER broken"))
    assert start(run) == "running"


def test_with_wrong_settings_nothing_starts(job, manager, session):
    manager.add_listener(QueueListener(None, "invalid value 'perhaps' of [mcp] gate"))
    run = job.run("a")
    run.state = DagRunState.RUNNING
    run.notify_dagrun_state_changed(msg="started")
    session.flush()
    assert fresh(session, run)[0] == "queued"


def test_another_listener_that_fails_does_not_keep_the_run_from_the_gate(job, start, manager):
    class Careless:
        @hookimpl(tryfirst=True)
        def on_dag_run_running(self, dag_run, msg):
            raise RuntimeError(f"{dag_run.run_id} {msg}")

    manager.add_listener(Careless())
    job.run("active", DagRunState.RUNNING)
    assert start(job.run("a")) == "queued"


def test_a_plain_dag_is_not_touched(job, start, monkeypatch):
    monkeypatch.setattr(Gate, "admit", lambda *_: pytest.fail("the gate was asked"))
    del job.dag.default_args["mcp"]
    job.run("active", DagRunState.RUNNING)
    assert start(job.run("a")) == "running"


@dataclass(frozen=True)
class Bag:
    """Airflow's bag reads serialized DAGs from a database of its own choice."""

    dag: object

    def get_dag_for_run(self, _run, session):
        assert session.is_active
        return self.dag


def test_what_airflow_passes_over_is_started_when_its_own_choice_cannot(make_job, start, session, monkeypatch):
    one, other = make_job("one"), make_job("other")
    one.run("active", DagRunState.RUNNING)
    over = other.run("passed_over")
    run = one.run("a")
    monkeypatch.setattr(starved, "dag_bag", lambda: Bag(other.dag))
    assert start(run) == "queued"
    assert fresh(session, over)[0] == "running"
