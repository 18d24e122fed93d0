"""A retry of an ended run: exactly what failed, or was named, is done again; everything else is kept."""

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import delete, select

from airflow_mcp_provider.plugin.control import retry
from airflow_mcp_provider.plugin.control.refused import ControlRefused
from airflow_mcp_provider.plugin.db import run_end
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.run_end import End, Reason
from airflow_mcp_provider.plugin.growth.batch_state import Batch
from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.plugin.queue import cancel
from tests.unit.plugin.played import Played

TRIES = {"attempts": 1, "delay": 0.0, "backoff": 1.0, "max_delay": 0.0}
ERROR = {"type": "OSError", "message": "it failed", "trace": ""}


class Ended(Played):
    """A run, and what a retry of it makes."""

    SPEC = "plan: {items: [1]}\nrun: {shell: x}"
    STEP = "run"
    TRIES = 2

    def __init__(self, session, job):
        super().__init__(session, job)
        self.instance("report", -1, None)

    def plan(self, *keys):
        instances = self.planned(keys)["instances"]
        for index in range(instances):
            self.instance(self.STEP, index)
        self.mapped(instances)
        self.state("plan", -1, TaskInstanceState.SUCCESS)

    def one(self, task_id, index):
        query = select(TaskInstance).where(TaskInstance.task_id == task_id, TaskInstance.map_index == index)
        return self.session.scalars(query).one()

    def state(self, task_id, index, state):
        self.one(task_id, index).state = state
        self.session.flush()

    def end(self, *states, report=TaskInstanceState.SUCCESS, run=DagRunState.FAILED):
        for index, state in enumerate(states):
            self.state(self.STEP, index, state)
        self.state("report", -1, report)
        self.run.state = run
        self.session.commit()

    def retry(self, *keys):
        ref, selected = retry._select("crawl", "one", list(keys) or None, self.session)
        for first in range(0, len(selected.instances), retry.AT_ONCE):
            retry._clear(ref, selected, first, self.session)
        self.session.commit()
        self.session.expire_all()
        return selected.subtasks

    @property
    def states(self):
        query = select(TaskInstance.state).where(TaskInstance.task_id == self.STEP, TaskInstance.map_index >= 0)
        return list(self.session.scalars(query.order_by(TaskInstance.map_index)))

    @property
    def ref(self):
        return RunRef(self.run.id, "crawl", "one")


class Packed(Ended):
    """The same with batches of three."""

    SPEC = "plan: {items: [1]}\nrun: {shell: x}\nsubtasks: {batch: 3, tolerate: 100%}"

    def work(self, index, *ends):
        """Do the subtasks of a batch; ``ends`` are errors, or None for success."""
        given = self.ask("run", index, "mcp.next", {"tries": TRIES, "ended": None, "fresh": False})
        for end in ends:
            ended = {"place": given["place"], "attempt": given["attempt"]} | ({"error": end} if end else {"result": 1})
            given = self.ask("run", index, "mcp.next", {"tries": TRIES, "ended": ended, "fresh": False})

    def turns(self, index):
        life = self.one("run", index).max_tries
        batch = Batch.read(self.session, self.ref, "run", index)
        assert batch.life == life, "else all that failed would be done again"
        return {place: (turn.status, turn.attempts) for place, turn in sorted(batch.turns.items())}


@pytest.fixture
def run(session, job):
    return Ended(session, job)


@pytest.fixture
def packed(session, job):
    return Packed(session, job)


def test_what_failed_or_was_skipped_runs_again_and_so_does_the_report(run):
    run.plan("a", "b", "c", "d")
    run.end("success", "failed", "skipped", "upstream_failed")
    before = run.one("run", 0).id
    assert run.retry() == 3
    assert run.states == ["success", None, None, None]
    assert run.one("run", 0).id == before, "it is kept as it is"
    assert (run.one("report", -1).state, run.one("plan", -1).state) == (None, "success")
    assert (run.run.state, run.run.clear_number) == ("queued", 1)


def test_named_subtasks_run_again_whatever_they_ended_as(run):
    run.plan("a", "b", "c")
    run.end("success", "failed", "failed")
    assert run.retry("a", "c") == 2
    assert run.states == [None, "failed", None]
    assert run.run.state == "queued"


def test_nothing_to_do_leaves_the_run_as_it_is(run):
    run.plan("a")
    run.end("success", run=DagRunState.SUCCESS)
    assert run.retry() == 0
    assert (run.run.state, run.run.clear_number) == ("success", 0)


def test_a_report_that_failed_is_done_again_alone(run):
    run.plan("a")
    run.end("success", report=TaskInstanceState.FAILED)
    assert run.retry() == 0
    assert (run.states, run.one("report", -1).state, run.run.state) == (["success"], None, "queued")


def test_without_a_plan_everything_runs_again(run):
    run.state("plan", -1, TaskInstanceState.FAILED)
    run.end(report=TaskInstanceState.SKIPPED)
    run.retry()
    assert (run.one("plan", -1).state, run.one("report", -1).state, run.run.state) == (None, None, "queued")


@pytest.mark.parametrize("state", [DagRunState.QUEUED, DagRunState.RUNNING])
def test_an_active_run_is_refused(run, state):
    run.plan("a")
    run.end("failed", run=state)
    with pytest.raises(ControlRefused, match="run one of job crawl has not ended") as error:
        run.retry()
    assert (error.value.status_code, error.value.kind) == (409, "not_ended")


def test_unknown_keys_are_refused_and_nothing_is_changed(run):
    run.plan("a")
    run.end("failed")
    with pytest.raises(ControlRefused, match="unknown keys of subtasks: 'x', 'y'") as error:
        run.retry("x", "a", "y")
    assert error.value.status_code == 404
    assert run.states == ["failed"]


@pytest.mark.parametrize("job_id", ["other", "crawl"])
def test_what_does_not_exist_is_not_found(run, session, job_id):
    with pytest.raises(ControlRefused, match="does not exist"):
        retry._select(job_id, "two", None, session)


def test_a_cancelled_run_goes_on_and_its_end_is_forgotten(run, session):
    run.plan("a", "b")
    run.state("run", 0, TaskInstanceState.SUCCESS)
    cancel.end_run(session, run.ref, End(Reason.CANCELLED, "by ann"), 15)
    session.commit()
    session.expire_all()
    assert run.states == ["success", "failed"]
    assert run.retry() == 1
    assert run.states == ["success", None]
    assert run_end.of_run(session.connection(), run.run.id) is None
    assert run.run.note is None


def test_a_run_that_was_stopped_goes_on(run, session):
    run.plan("a")
    state = RunState.read(session, run.ref)
    replace_stopped = state.__class__(state.tolerate, state.steps, state.subtasks, "too many failed", 0)
    replace_stopped.write(session, run.ref)
    run.end("failed")
    run.retry()
    assert not RunState.read(session, run.ref).halted(run.run.clear_number)


def test_a_retry_that_failed_half_way_goes_on(run, session, monkeypatch):
    monkeypatch.setattr(retry, "AT_ONCE", 2)
    run.plan("a", "b", "c")
    run.end("failed", "failed", "failed")
    ref, selected = retry._select("crawl", "one", None, session)
    retry._clear(ref, selected, 0, session)
    session.commit()
    assert (run.one("report", -1).state, run.run.state) == (None, "failed")
    run.retry()
    assert (run.states, run.run.state) == ([None, None, None], "queued")


def test_of_a_run_that_was_started_meanwhile_the_answer_says_what_was_cleared(run, session, monkeypatch):
    monkeypatch.setattr(retry, "AT_ONCE", 2)
    run.plan("a", "b", "c")
    run.end("failed", "failed", "failed")
    ref, selected = retry._select("crawl", "one", None, session)
    retry._clear(ref, selected, 0, session)
    run.run.state = DagRunState.QUEUED
    session.commit()
    with pytest.raises(ControlRefused, match=r"has not ended.*; 2 of 4 task instances were cleared") as error:
        retry._clear(ref, selected, 2, session)
    assert (error.value.status_code, error.value.kind) == (409, "not_ended")


def test_a_run_is_queued_also_where_others_have_cleared_the_last_task_instances(run, session, monkeypatch):
    monkeypatch.setattr(retry, "AT_ONCE", 2)
    run.plan("a", "b", "c")
    run.end("failed", "failed", "failed")
    ref, selected = retry._select("crawl", "one", None, session)
    clear_task_instances([run.one("run", 1), run.one("run", 2)], session, dag_run_state=False)
    for first in (0, 2):
        retry._clear(ref, selected, first, session)
    session.commit()
    session.expire_all()
    assert (run.states, run.run.state) == ([None, None, None], "queued")


def test_a_run_that_was_deleted_meanwhile_is_not_found(run, session):
    run.plan("a")
    run.end("failed")
    ref, selected = retry._select("crawl", "one", None, session)
    session.execute(delete(DagRun).where(DagRun.id == ref.id))
    with pytest.raises(ControlRefused, match="run one of job crawl does not exist"):
        retry._clear(ref, selected, 0, session)


def test_of_a_batch_only_what_failed_is_done_again(packed):
    packed.plan("a", "b", "c")
    packed.work(0, None, ERROR, None)
    packed.end("failed")
    assert packed.retry() == 1
    assert packed.turns(0) == {0: ("success", 1), 1: ("again", 1), 2: ("success", 1)}
    assert packed.states == [None]


def test_of_a_batch_only_what_was_named_is_done_again(packed):
    packed.plan("a", "b", "c")
    packed.work(0, ERROR, ERROR, None)
    packed.end("failed")
    assert packed.retry("b") == 1
    assert packed.turns(0) == {0: ("failed", 1), 1: ("again", 1), 2: ("success", 1)}


def test_a_batch_whose_runner_was_lost_does_the_rest(packed):
    packed.plan("a", "b", "c", "d")
    packed.work(0, None)
    packed.end("failed", "skipped")
    assert packed.retry() == 3
    assert packed.turns(0) == {0: ("success", 1), 1: ("again", 1), 2: ("again", 0)}
    assert packed.turns(1) == {3: ("again", 0)}


def test_a_batch_that_has_done_all_is_not_done_again(packed):
    packed.plan("a", "b", "c", "d")
    packed.work(0, None, None, None)
    packed.end("failed", "failed")
    assert packed.retry() == 1
    assert packed.states == ["failed", None]


class Staged(Ended):
    SPEC = "plan: {items: [1]}\nsteps: [{name: search, run: {shell: x}}, {name: write, run: {shell: x}}]"
    STEP = "search"

    def __init__(self, session, job):
        super().__init__(session, job)
        self.instance("write.places", -1, TaskInstanceState.SUCCESS)
        self.instance("write", -1, TaskInstanceState.SKIPPED)


def test_a_subtask_that_has_continued_is_not_done_again(session, job):
    run = Staged(session, job)
    run.plan("a", "b")
    run.ask("search", 0, "mcp.done", {"outcome": {"attempt": 1, "result": 1}})
    run.end("failed", "failed")
    assert run.retry() == 1
    assert run.states == ["failed", None]


def test_a_named_subtask_runs_again_in_the_step_that_it_has_reached(session, job):
    run = Staged(session, job)
    run.plan("a", "b")
    run.ask("search", 0, "mcp.done", {"outcome": {"attempt": 1, "result": 1}})
    run.instance("write", 0, TaskInstanceState.FAILED)
    run.end("success", "failed")
    assert run.retry("a") == 1
    assert (run.states, run.one("write", 0).state) == (["success", "failed"], None)
