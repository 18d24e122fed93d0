"""The state store backend on the Execution API's own route: who asks, and what a lock that is not free comes to."""

import json
import uuid

import pytest
from airflow.models.taskinstance import TaskInstance
from fastapi import HTTPException
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from airflow_mcp_provider.plugin import backend, store
from airflow_mcp_provider.plugin.growth import questions
from airflow_mcp_provider.runtime import wire
from tests.unit.plugin.played import Played


@pytest.fixture
def run(session, job):
    class One(Played):
        SPEC = "plan: {items: [1]}\nrun: {shell: x}"

    one = One(session, job)
    one.planned(["a"])
    one.mapped(1)
    return one


def children(*keys):
    return {"parent": "a", "depth": 1, "children": [[key, {"node": key}] for key in keys]}


def test_a_lock_that_is_not_free_is_answered_503(run, monkeypatch):
    limits = []
    monkeypatch.setattr(store, "limit_waiting", lambda _, milliseconds: limits.append(milliseconds))

    def locked(*_):
        raise OperationalError("UPDATE", {}, Exception("canceling statement due to lock timeout"))

    monkeypatch.setattr(questions.Reserved, "locked", locked)
    run.instance("run", 0)
    with pytest.raises(HTTPException) as refused:
        run.set("run", 0, wire.ENQUEUE, {**children("b"), "call": "x.1"})
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
    answer = run.ask("run", 0, wire.ENQUEUE, children("late"))
    assert answer["refused"]["type"] == "RunIsOver"


def test_outcomes_do_not_expire_before_their_run(run):
    run.instance("run", 0)
    run.set("run", 0, wire.OUTCOME, {"attempt": 1, "result": 5})
    assert json.loads(run.get("run", 0, wire.OUTCOME)) == {"attempt": 1, "result": 5}
    row = run.session.query(store.Store).filter_by(key=wire.OUTCOME).one()
    assert row.expires_at is None
