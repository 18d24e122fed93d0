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
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.request_types import read_request
from tests.unit.plugin.played import Played


@pytest.fixture
def run(session, job):
    class One(Played):
        SPEC = "plan: {items: [1]}\nrun: {shell: x}"

    one = One(session, job)
    one.planned(["a"])
    return one


def children(*keys):
    return {"children": [[key, {"node": key}] for key in keys]}


def test_a_lock_that_is_not_free_is_answered_503(run, monkeypatch):
    limits = []
    monkeypatch.setattr(locks, "limit_waiting", lambda _, milliseconds: limits.append(milliseconds))

    def locked(*_):
        raise OperationalError("UPDATE", {}, Exception("canceling statement due to lock timeout"))

    monkeypatch.setattr(run_requests.RunState, "locked", locked)
    run.instance("run", 0)
    with pytest.raises(HTTPException) as refused:
        run.set("run", 0, store_keys.ENQUEUE, {**children("b"), "call": "x.1"})
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
    answer = run.ask("run", 0, store_keys.ENQUEUE, children("late"))
    assert answer["refused"]["type"] == "RunIsOver"


def test_outcomes_do_not_expire_before_their_run(run):
    run.instance("run", 0)
    run.set("run", 0, store_keys.OUTCOME, {"attempt": 1, "result": 5})
    assert json.loads(run.get("run", 0, store_keys.OUTCOME)) == {"attempt": 1, "result": 5}
    row = run.session.query(state_store.Store).filter_by(key=store_keys.OUTCOME).one()
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
        run.set("run", 0, store_keys.OUTCOME, outcome)
    assert refused.value.status_code == 422


def test_an_outcome_that_another_program_wrote_harms_no_other_subtask(run, session):
    run.ask("plan", -1, store_keys.ENQUEUE, children("b"))
    poisoned, other = run.instance("run", 0), run.instance("run", 1)
    ref = RunRef(run.run.id, "crawl", "one")
    state_store.write(session, ref, "run", 0, store_keys.OUTCOME, [{"final": True, "error": 1}])
    failure = {"attempt": 1, "error": {"type": "ValueError", "message": "no"}, "final": True}
    run.set("run", 1, store_keys.OUTCOME, failure)
    poisoned.state, other.state = "failed", "failed"
    session.flush()
    assert run.outcomes()["b", "run"]["error"]["type"] == "ValueError"
    assert run.outcomes()["a", "run"]["error"]["type"] == "RunnerLost"


def test_several_questions_of_one_runner_at_once_are_all_answered(run, session):
    run.instance("run", 0)
    ref = RunRef(run.run.id, "crawl", "one")
    bodies = [{**children(f"c{number}"), "call": f"name{number}.0"} for number in range(5)]
    requests = [read_request(store_keys.ENQUEUE, body) for body in [*bodies, bodies[0]]]
    asked = [run_requests.RunnerRequest("run", 0, request) for request in requests]
    told = run_requests.RunRequests(session, ref, backend.materializer()).answer(asked)
    assert [answer["new"] for answer in told.values()] == [1] * 5


@pytest.mark.parametrize("call", ["sup.²", f"x.{'9' * 150}", ".", ""])
def test_a_call_may_be_any_text(run, call):
    run.instance("run", 0)
    for number, following in enumerate((call, f"{call}³", f"{call}1")):
        run.set("run", 0, store_keys.ENQUEUE, {**children(f"c{number}"), "call": following})
        assert json.loads(run.get("run", 0, store_keys.ANSWER))["call"] == following


TRIES = {"attempts": 1, "delay": 0, "backoff": 1, "max_delay": 0}


@pytest.mark.parametrize(
    ("key", "body", "field"),
    [
        (store_keys.ENQUEUE, {**children("b"), "call": "x" * 300}, "call"),
        (store_keys.ENQUEUE, {"children": [["k", {}]] * 501}, "children"),
        (store_keys.ENQUEUE, {"children": [["", {}]]}, "children[0][0]"),
        (store_keys.ENQUEUE, {"children": [["x" * 3_000, {}]]}, "children[0][0]"),
        (store_keys.ENQUEUE, {"children": [["k", []]]}, "children[0][1]"),
        (store_keys.ENQUEUE, {"children": [["k", {}, "x" * 300]]}, "children[0][2]"),
        (store_keys.ENQUEUE, {**children("b"), "begin": {"tolerate": "0", "steps": []}}, "begin.steps"),
        (store_keys.DONE, {}, "outcome"),
        (store_keys.DONE, {"outcome": 5}, "outcome"),
        (store_keys.NEXT, {}, "tries"),
        (store_keys.NEXT, {"tries": {**TRIES, "attempts": 0}}, "tries.attempts"),
        (store_keys.NEXT, {"tries": TRIES, "ended": [1]}, "ended"),
        (store_keys.NEXT, {"tries": TRIES, "ended": {"place": 0, "attempt": 1, "error": {}}}, "ended.error"),
        (store_keys.GO_ON, {"ended": {"place": 0, "attempt": 1}}, "begin"),
        (store_keys.CALL, {}, "job"),
        (store_keys.CALL, {"job": "x" * 300, "conf": {}}, "job"),
    ],
)
def test_a_malformed_request_is_refused_with_the_fields_name_and_changes_nothing(run, key, body, field):
    run.instance("run", 0)
    before = run.session.query(state_store.Store).count()
    with pytest.raises(HTTPException) as refused:
        run.set("run", 0, key, {"call": "x.1", **body})
    assert refused.value.status_code == 422
    *path, last = field.split(".")
    message = refused.value.detail["message"]
    assert f"$.{field}" in message or (f"`{last}`" in message and ".".join(path) in message)
    assert run.session.query(state_store.Store).count() == before


@pytest.mark.parametrize("key", [store_keys.CONFIRM, store_keys.DONE])
def test_what_a_subtask_may_not_ask_changes_nothing(run, key):
    before = run.session.query(state_store.Store).count()
    answer = run.ask("run", 0, key, {"outcome": {"attempt": 1, "result": 1}})
    assert answer["refused"]["type"] == "RunIsOver"
    assert run.session.query(state_store.Store).count() == before + 1, "the answer"


def test_parent_and_depth_are_those_of_the_subtask_that_asks_whatever_it_sends(run):
    run.instance("run", 0)
    run.ask("run", 0, store_keys.ENQUEUE, {**children("b"), "parent": "forged", "depth": -50})
    item = json.loads(run.get("run", 1, store_keys.ITEM))
    assert (item["key"], item["parent"], item["depth"]) == ("b", "a", 1)


def test_a_subtask_whose_item_is_damaged_enqueues_nothing_and_others_do(run, session):
    run.ask("plan", -1, store_keys.ENQUEUE, children("z"))
    run.instance("run", 0)
    other = {**children("c"), "call": "z.1"}
    session.execute(update(state_store.Store).filter_by(key=store_keys.ITEM, map_index=0).values(value="[1]"))
    assert run.ask("run", 0, store_keys.ENQUEUE, children("b"))["refused"]["type"] == "InvalidRow"
    run.instance("run", 1)
    run.set("run", 1, store_keys.ENQUEUE, other)
    assert json.loads(run.get("run", 1, store_keys.ANSWER))["new"] == 1


@pytest.mark.parametrize("place", ["x", "99.0", "-1.-5", f"0.{'9' * 5000}"])
def test_a_page_that_is_not_there_is_empty(run, place):
    found = run.get("report", -1, store_keys.OUTCOMES + place)
    assert found is None or json.loads(found) == {"outcomes": [], "next": None}


def test_the_report_may_not_enqueue(run):
    run.instance("report", -1)
    refused = run.ask("report", -1, store_keys.ENQUEUE, children("b"))["refused"]
    assert refused == {
        "type": "InvalidPayload",
        "message": "the task report may not enqueue; expected plan or a subtask",
    }


@pytest.mark.parametrize(
    "names", [["run\0"], ["run", "run"], ["run", "nowhere"], ["x" * 245], ["run", "report"], ["ü"]]
)
def test_steps_that_are_not_tasks_of_the_dag_are_refused(run, names):
    steps = [{"name": name, "limit": 5, "depth": 5} for name in names]
    body = {"children": [], "begin": {"tolerate": "0", "steps": steps}}
    before = run.get("plan", -1, store_keys.RUN)
    try:
        refused = run.ask("plan", -1, store_keys.ENQUEUE, body)["refused"]["type"]
    except HTTPException as error:
        refused = error.status_code
    assert refused in {422, "InvalidPayload"}
    assert run.get("plan", -1, store_keys.RUN) == before


def test_a_subtask_whose_item_was_removed_is_told_so(run, session):
    run.instance("run", 0)
    session.query(state_store.Store).filter_by(key=store_keys.ITEM, map_index=0).delete()
    refused = run.ask("run", 0, store_keys.ENQUEUE, children("b"))["refused"]
    assert refused["type"] == "InvalidRow"
    assert "is missing" in refused["message"]
