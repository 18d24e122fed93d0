"""The state store backend on the Execution API's own route: who asks, and what a lock that is not free comes to."""

import json
import uuid

import pytest
from airflow.models.taskinstance import TaskInstance
from fastapi import HTTPException
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from airflow_mcp_provider.plugin.db import locks, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.growth import backend, run_requests
from airflow_mcp_provider.runtime import protocol
from tests.unit.plugin.played import Played


@pytest.fixture
def run(session, job):
    class One(Played):
        SPEC = "plan: {items: [1]}\nrun: {shell: x}"

    one = One(session, job)
    one.planned(["a"])
    return one


def children(*keys):
    return {"parent": "a", "depth": 1, "children": [[key, {"node": key}] for key in keys]}


def test_a_lock_that_is_not_free_is_answered_503(run, monkeypatch):
    limits = []
    monkeypatch.setattr(locks, "limit_waiting", lambda _, milliseconds: limits.append(milliseconds))

    def locked(*_):
        raise OperationalError("UPDATE", {}, Exception("canceling statement due to lock timeout"))

    monkeypatch.setattr(run_requests.Reserved, "locked", locked)
    run.instance("run", 0)
    with pytest.raises(HTTPException) as refused:
        run.set("run", 0, protocol.ENQUEUE, {**children("b"), "call": "x.1"})
    assert refused.value.status_code == 503
    assert limits == [backend.LOCK_TIMEOUT_MS]


def test_a_runner_that_another_has_replaced_since_the_route_loaded_it_is_refused(run, session):
    old = run.instance("run", 0)
    session.execute(
        update(TaskInstance)
        .where(TaskInstance.id == old.id)
        .values(id=uuid.uuid4(), try_number=2)
        .execution_options(synchronize_session=False)
    )
    answer = run.ask("run", 0, protocol.ENQUEUE, children("late"))
    assert answer["refused"]["type"] == "RunIsOver"


def test_outcomes_do_not_expire_before_their_run(run):
    run.instance("run", 0)
    run.set("run", 0, protocol.OUTCOME, {"attempt": 1, "result": 5})
    assert json.loads(run.get("run", 0, protocol.OUTCOME)) == {"attempt": 1, "result": 5}
    row = run.session.query(state_store.Store).filter_by(key=protocol.OUTCOME).one()
    assert row.expires_at is None


@pytest.mark.parametrize(
    "outcome",
    [
        5,
        [],
        {},
        {"final": True},
        {"attempt": "1", "result": 1},
        {"attempt": 1, "error": 5},
        {"attempt": 1, "error": {}},
    ],
)
def test_an_outcome_of_another_form_is_refused(run, outcome):
    """It would be read with those of others: their failures could not be judged, the report not be made."""
    run.instance("run", 0)
    with pytest.raises(HTTPException) as refused:
        run.set("run", 0, protocol.OUTCOME, outcome)
    assert refused.value.status_code == 422


def test_an_outcome_that_another_program_wrote_harms_no_other_subtask(run, session):
    run.ask("plan", -1, protocol.ENQUEUE, children("b"))
    poisoned, other = run.instance("run", 0), run.instance("run", 1)
    ref = RunRef(run.run.id, "crawl", "one")
    state_store.write(session, ref, "run", 0, protocol.OUTCOME, [{"final": True, "error": 1}])
    failure = {"attempt": 1, "error": {"type": "ValueError", "message": "no"}, "final": True}
    run.set("run", 1, protocol.OUTCOME, failure)
    poisoned.state, other.state = "failed", "failed"
    session.flush()
    assert run.outcomes()["b", "run"]["error"]["type"] == "ValueError"
    assert run.outcomes()["a", "run"]["error"]["type"] == "RunnerLost"


def test_several_questions_of_one_runner_at_once_are_all_answered(run, session):
    run.instance("run", 0)
    ref = RunRef(run.run.id, "crawl", "one")
    bodies = [{**children(f"c{number}"), "call": f"name{number}.0"} for number in range(5)]
    asked = [run_requests.Question("run", 0, protocol.ENQUEUE, body) for body in [*bodies, bodies[0]]]
    told = run_requests.Questions(session, ref, backend.settler()).answer(asked)
    assert [answer["new"] for answer in told.values()] == [1] * 5


@pytest.mark.parametrize("call", ["sup.²", f"x.{'9' * 5000}", ".", ""])
def test_a_call_may_be_any_text(run, call):
    run.instance("run", 0)
    for number, following in enumerate((call, f"{call}³", f"{call}1")):
        run.set("run", 0, protocol.ENQUEUE, {**children(f"c{number}"), "call": following})
        assert json.loads(run.get("run", 0, protocol.ANSWER))["call"] == following


@pytest.mark.parametrize(
    ("question", "body"),
    [
        (protocol.ENQUEUE, {"children": [["k", {}]] * 501, "depth": 1, "parent": None}),
        (protocol.ENQUEUE, {**children("b"), "depth": -50}),
        (protocol.ENQUEUE, {**children("b"), "depth": True}),
        (protocol.ENQUEUE, {**children("b"), "parent": "x" * 3_000}),
        (protocol.ENQUEUE, {**children("b"), "parent": "\0"}),
        (protocol.DONE, {}),
        (protocol.DONE, {"outcome": 5}),
        (protocol.NEXT, {}),
        (protocol.NEXT, {"tries": {}, "fresh": True, "ended": [1]}),
        (protocol.NEXT, {"tries": {}, "fresh": True, "ended": {"place": 0, "attempt": 1, "error": {}}}),
        (protocol.CALL, {}),
        (protocol.CONFIRM, {}),
    ],
)
def test_a_malformed_question_is_refused_and_changes_nothing(run, question, body):
    run.instance("run", 0)
    before = run.session.query(state_store.Store).count()
    answer = run.ask("run", 0, question, body)
    assert answer["refused"]["type"] in {"InvalidPayload", "RunIsOver", "TryAgain"}
    assert run.session.query(state_store.Store).count() == before + 1, "the answer"


@pytest.mark.parametrize("place", ["x", "99.0", "-1.-5", f"0.{'9' * 5000}"])
def test_a_page_that_is_not_there_is_empty(run, place):
    found = run.get("report", -1, protocol.OUTCOMES + place)
    assert found is None or json.loads(found) == {"outcomes": [], "next": None}
