"""The rules of a job's queue for submitted runs, on Airflow's own tables: who is refused, why, and what is left."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from airflow.models.backfill import Backfill
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.state import DagRunState
from sqlalchemy import event, func, select

from airflow_mcp_provider import commit_hooks
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.admission.refusal import RunRefused
from airflow_mcp_provider.spec import parse_job


@pytest.fixture
def submit(session, make_job):
    """Make a job with a queue; returns what submits a run of it and commits."""

    def make(queue, params="{url: {type: string, default: a}}"):
        spec = parse_job(f"params: {params}\nplan: {{items: [1]}}\nrun: {{shell: x}}\nqueue: {queue}", id="crawl")
        job = make_job()
        lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(build_dag(spec)))
        SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
        session.commit()

        def submit(run_id, conf=None, *, user="anna", run_type="manual", state=DagRunState.QUEUED, created=None):
            run = job.run(run_id, state, conf=conf, run_type=run_type)
            run.triggering_user_name = user
            if created:
                run.created_at = created
            session.commit()
            return run

        return submit

    return make


def refused(submit, *arguments, **more):
    with pytest.raises(RunRefused) as refusal:
        submit(*arguments, **more)
    return refusal.value


def test_the_hooks_are_registered_once_by_airflows_own_start():
    from sqlalchemy.orm import Session

    assert event.contains(Session, "before_commit", commit_hooks.before_commit)


def test_a_full_queue_refuses_with_its_numbers_and_leaves_nothing(submit, session):
    submit = submit("{max_pending: 2}")
    submit("one")
    submit("two")
    error = refused(submit, "three")
    session.rollback()
    assert str(error) == "job crawl: 2 runs are queued, and queue.max_pending is 2; try again when one has started"
    assert (error.status_code, error.headers) == (HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "30"})
    assert session.scalar(select(func.count()).select_from(DagRun)) == 2
    session.scalar(select(DagRun).where(DagRun.run_id == "one"))._state = DagRunState.RUNNING
    submit("three")


def test_a_submitter_has_so_many_queued_and_running_runs_and_others_have_their_own(submit, session):
    submit = submit("{per_submitter: 2}")
    submit("one")
    submit("two", state=DagRunState.RUNNING)
    error = refused(submit, "three")
    assert "2 runs of anna are queued or running, and queue.per_submitter is 2" in str(error)
    session.rollback()
    submit("three", user="bert")
    submit("four", user=None)
    submit("five", user=None)
    assert "2 runs of an unknown user" in str(refused(submit, "six", user=None))


@pytest.mark.parametrize(("scope", "user", "fits"), [("", "bert", False), (" per submitter", "bert", True)])
def test_a_rate_counts_the_submits_of_its_period(submit, session, scope, user, fits):
    submit = submit(f"{{rate: 2/h{scope}}}")
    now = datetime.now(UTC)
    submit("old", created=now - timedelta(minutes=61), state=DagRunState.SUCCESS)
    submit("one", created=now - timedelta(minutes=50), state=DagRunState.SUCCESS)
    submit("two", created=now - timedelta(minutes=5))
    error = refused(submit, "three")
    assert "2 runs were submitted, and queue.rate is 2/h" in str(error)
    assert 500 <= int(error.headers["Retry-After"]) <= 600, "when the first of the two leaves the hour"
    session.rollback()
    if fits:
        submit("four", user=user)
    else:
        refused(submit, "four", user=user)


def test_the_same_values_are_refused_while_one_is_queued_whatever_else_differs(submit, session):
    submit = submit("{unique: [url]}", "{url: {type: string, default: a}, more: {type: integer, default: 0}}")
    submit("one", {"url": "b", "more": 1})
    submit("two", {"more": 1})
    error = refused(submit, "three", {"url": "b", "more": 2})
    assert (error.refusal.run, error.status_code, error.headers) == ("one", HTTPStatus.CONFLICT, None)
    session.rollback()
    assert refused(submit, "four", {"url": "a"}).refusal.run == "two", "the default value is a value"
    session.rollback()
    session.scalar(select(DagRun).where(DagRun.run_id == "one"))._state = DagRunState.RUNNING
    submit("five", {"url": "b"})


def test_overlap_reject(submit, session):
    submit = submit("{overlap: reject}")
    one = submit("one")
    assert "a run is active (queue.overlap: reject)" in str(refused(submit, "two"))
    session.rollback()
    one._state = DagRunState.SUCCESS
    submit("two")


@pytest.mark.parametrize("queue", ["{}", "{max_pending: 5}"])
def test_a_field_that_no_param_declares_is_refused_by_name(submit, queue):
    submit = submit(queue)
    submit("one", {"url": "b", "mcp_priority": 5})
    error = refused(submit, "two", {"url": "b", "ulr": "c"})
    assert str(error) == "unknown param 'ulr' of the job crawl; expected url"
    assert error.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_runs_of_the_scheduler_pass_and_count(submit):
    submit = submit("{max_pending: 1}")
    for number in range(3):
        submit(f"s{number}", run_type="scheduled", user=None)
    refused(submit, "one")


def test_many_new_runs_of_one_transaction_are_accepted_or_refused_together(submit, session):
    one = submit("{max_pending: 3}")("one")
    for number in range(3):
        with session.begin_nested():
            session.add(
                DagRun(
                    dag_id="crawl",
                    run_id=f"b{number}",
                    run_type="backfill",
                    run_after=one.run_after,
                    conf={},
                    state="queued",
                )
            )
    with pytest.raises(RunRefused):
        session.commit()
    session.rollback()
    assert session.scalars(select(DagRun.run_id)).all() == ["one"]


def test_a_run_whose_savepoint_was_rolled_back_does_not_count(submit, session):
    submit = submit("{max_pending: 1}")
    with session.begin_nested() as nested:
        session.add(DagRun(dag_id="crawl", run_id="lost", run_type="manual", conf={}, state="queued"))
        session.flush()
        nested.rollback()
    submit("one")


def test_a_run_of_a_dag_that_is_no_job_costs_one_query(session):
    statements = []
    event.listen(session.connection(), "before_cursor_execute", lambda *asked: statements.append(asked[2]))
    session.add(DagRun(dag_id="plain", run_id="one", run_type="manual", conf={"any": 1}, state="queued"))
    session.commit()
    assert [one.split()[0] for one in statements].count("SELECT") == 1


def test_a_second_commit_after_a_refusal_is_refused_too(submit, session):
    submit = submit("{max_pending: 1}")
    submit("one")
    refused(submit, "two")
    with pytest.raises(RunRefused):
        session.commit()


def test_what_is_written_beside_a_run_is_written_before_the_lock_of_its_job(submit, session):
    run = submit("{max_pending: 5}")("one")
    statements = []
    event.listen(session.connection(), "before_cursor_execute", lambda *asked: statements.append(asked[2]))
    session.add(DagRun(dag_id="crawl", run_id="two", run_type="manual", conf={}, state="queued"))
    session.flush()
    run.note = ("late", None)
    session.commit()
    kinds = [(one.split()[0], "dag_run_note" in one) for one in statements]
    assert kinds.index(("INSERT", True)) < kinds.index(("SELECT", False))


@pytest.mark.parametrize(("queued", "fits"), [(True, True), (1, False), ("1", True), ([1], True)])
def test_values_are_compared_as_json(submit, queued, fits):
    submit = submit("{unique: [url]}", "{url: {default: a}}")
    submit("one", {"url": queued})
    if fits:
        submit("two", {"url": 1})
    else:
        refused(submit, "two", {"url": 1})


def test_the_backfill_of_refused_runs_does_not_stay(submit, session):
    """Airflow stores a backfill before its runs: with the row a second try would meet a backfill that is active."""
    submit = submit("{max_pending: 1}")
    submit("one")
    times = {"from_date": datetime(2026, 1, 1, tzinfo=UTC), "to_date": datetime(2026, 1, 2, tzinfo=UTC)}
    backfill = Backfill(dag_id="crawl", **times)
    session.add(backfill)
    session.commit()
    number = backfill.id
    run = DagRun(dag_id="crawl", run_id="b", run_type="backfill", conf={}, state="queued", backfill_id=number)
    session.add(run)
    with pytest.raises(RunRefused):
        session.commit()
    session.rollback()
    assert session.get(Backfill, number) is None


def test_models_of_others_are_left_alone(session):
    class DagRun:  # a user's own, of the same name
        __tablename__ = "dag_run"

    assert not commit_hooks._is_of(DagRun(), commit_hooks.RUN)


def test_an_invalid_setting_lets_runs_be_deleted(submit, session, monkeypatch):
    run = submit("{}")("one")
    monkeypatch.setenv("AIRFLOW__MCP__END_GRACE", "soon")
    session.delete(run)
    session.commit()
    assert session.scalar(select(func.count()).select_from(DagRun)) == 0


def test_a_conf_that_is_too_large_is_refused(submit):
    submit = submit("{}")
    assert "1000013 bytes; expected at most 1000000" in str(refused(submit, "one", {"url": "x" * 1_000_002}))
