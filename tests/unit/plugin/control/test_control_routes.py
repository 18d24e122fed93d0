"""The routes of control in an application of their own: bodies, status codes, and what they do to the tables."""

from types import SimpleNamespace

import pytest
from airflow import settings
from airflow.api_fastapi.core_api.security import get_user
from airflow.models.base import Base
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.state import DagRunState
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool

from airflow_mcp_provider.constants import GIVE_BACK
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.control import worker
from airflow_mcp_provider.plugin.db import run_end, run_notes, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.tables import DagRun
from airflow_mcp_provider.plugin.http_api.control_routes import router
from airflow_mcp_provider.plugin.http_api.places import begun
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec import parse_job
from tests.unit.plugin.conftest import Job


@pytest.fixture
def engine(tables, tmp_path):
    """A database that several threads can use."""
    made = create_engine(f"sqlite:///{tmp_path}/db", poolclass=NullPool)
    Base.metadata.create_all(made)
    return made


@pytest.fixture
def job(engine):
    with sessionmaker(engine)() as session:
        made = Job(session)
        session.flush()
        lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(build_dag(parse_job(SPEC, id="crawl"))))
        SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
        made.run("running", DagRunState.RUNNING)
        made.run("queued")
        made.run("ended", DagRunState.SUCCESS)
        session.commit()
        yield made


SPEC = "plan: {items: [1]}\nrun: {shell: x}"


@pytest.fixture
def client(engine, monkeypatch):
    """Airflow's permissions are not asked: test_control_contract looks that each route has one."""
    monkeypatch.setattr(settings, "NonScopedSession", sessionmaker(engine))
    app = FastAPI()
    app.include_router(router)
    for route in router.routes:
        for dependency in route.dependencies:
            app.dependency_overrides[dependency.dependency] = lambda: None
    app.dependency_overrides[get_user] = lambda: SimpleNamespace(get_name=lambda: "ann")
    with TestClient(app) as client:
        yield client


def test_a_cancel_needs_no_body(client, job, engine):
    answer = client.post("/jobs/crawl/runs/running/cancel")
    assert answer.json() == {"run": "running", "state": "cancelled", "running": 0, "waiting": 0, "children": 0}
    with sessionmaker(engine)() as session:
        end = run_end.of_run(session.connection(), 1)
    assert (end.text, end.by, end.grace) == ("by ann", "ann", run_end.DEFAULT_GRACE)


def test_a_cancel_has_a_reason_and_a_grace(client, job, engine):
    client.post("/jobs/crawl/runs/running/cancel", json={"reason": "wrong url", "grace": 60})
    with sessionmaker(engine)() as session:
        end = run_end.of_run(session.connection(), 1)
    assert (end.text, end.by, end.grace) == ("wrong url", "ann", 60)


@pytest.mark.parametrize(("note", "state"), [("partial: 1 of 2 subtasks failed", "partial"), (None, "completed")])
def test_of_a_run_that_has_ended_the_answer_has_the_state_of_its_document(client, job, engine, note, state):
    with sessionmaker(engine)() as session:
        if note:
            run_notes.put(session.connection(), 3, note)
        session.commit()
    answer = client.post("/jobs/crawl/runs/ended/cancel")
    assert answer.json() == {"run": "ended", "state": state, "running": 0, "waiting": 0, "children": 0}


def ref(run):
    return RunRef(run.id, run.dag_id, run.run_id)


@pytest.fixture
def family(engine):
    """A run of ``caller``, runs of ``called`` that its subtasks made, and one of ``below`` that one of these made."""
    with sessionmaker(engine)() as session:
        jobs = {name: Job(session, name) for name in ("caller", "called", "below")}
        session.flush()
        for name in jobs:
            lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(build_dag(parse_job(SPEC, id=name))))
            SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
        top = jobs["caller"].run("top", DagRunState.RUNNING)
        called = [
            jobs["called"].run(f"subtask__{n}", state) for n, state in enumerate(("running", "queued", "success"))
        ]
        below = jobs["below"].run("subtask__3", DagRunState.RUNNING)
        jobs["called"].run("manual", DagRunState.RUNNING)
        for index, (above, one) in enumerate([*((top, one) for one in called), (called[0], below)]):
            value = {"job": one.dag_id, "run": one.run_id, "at": "2026-01-01T00:00:00+00:00", "attempt": 1}
            state_store.write(session, ref(above), "run", index, store_keys.CALLED, value)
        state_store.write(session, ref(top), "run", 5, store_keys.CALLED, ["damaged"])
        session.commit()
    return engine


def states(engine):
    with sessionmaker(engine)() as session:
        return dict(session.execute(select(DagRun.run_id, DagRun.state).order_by(DagRun.id)).all())


ENDED = {"top": "failed", "subtask__0": "failed", "subtask__1": "failed", "subtask__2": "success"}


def test_the_runs_that_subtasks_made_are_cancelled_too_and_their_runs(client, family):
    answer = client.post("/jobs/caller/runs/top/cancel").json()
    assert (answer["state"], answer["children"]) == ("cancelled", 3)
    assert states(family) == {**ENDED, "subtask__3": "failed", "manual": "running"}
    with sessionmaker(family)() as session:
        end = run_end.of_run(session.connection(), session.scalar(select(DagRun.id).filter_by(run_id="subtask__3")))
    assert end.text == "the run top of caller was cancelled, which made this one for a subtask"


def test_a_cancel_that_failed_half_way_says_so_and_goes_on_when_it_is_repeated(client, family, monkeypatch):
    """The scheduler holds the run of ``below``, and the request is given up."""
    monkeypatch.setattr(worker, "PATIENCE_S", 0.05)

    def hold(_connection, _cursor, statement, parameters, *_):
        if statement.startswith("UPDATE dag_run") and number in parameters:
            raise OperationalError(statement, {}, Exception("the lock is not free"))

    with sessionmaker(family)() as session:
        number = session.scalar(select(DagRun.id).filter_by(run_id="subtask__3"))
    event.listen(family, "before_cursor_execute", hold)
    answer = client.post("/jobs/caller/runs/top/cancel")
    assert answer.status_code == 503
    assert "run top of job caller has ended, and 2 of the runs that its subtasks made" in answer.json()["detail"]
    assert states(family) == {**ENDED, "subtask__3": "running", "manual": "running"}
    event.remove(family, "before_cursor_execute", hold)
    answer = client.post("/jobs/caller/runs/top/cancel").json()
    assert (answer["state"], answer["children"]) == ("cancelled", 1)
    assert states(family) == {**ENDED, "subtask__3": "failed", "manual": "running"}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_request_gives_its_place_back_when_the_permission_was_asked(client, job, method):
    """That is asked in a thread with a connection; what follows has a thread of its own."""
    order = []
    for route in router.routes:
        client.app.dependency_overrides[route.dependencies[0].dependency] = lambda: order.append("asked")
        client.app.dependency_overrides.pop(begun, None)

    class Placed:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            await self.app({**scope, GIVE_BACK: lambda: order.append("given back")}, receive, send)

    placed = TestClient(Placed(client.app))
    path = "/jobs/crawl/runs/running/cancel" if method == "POST" else "/jobs/crawl/runs/ended"
    assert placed.request(method, path).is_success
    assert order == ["asked", "given back"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/jobs/crawl/runs/ended/cancel", {}, 200),
        ("POST", "/jobs/crawl/runs/running/cancel", {"grace": -1}, 422),
        ("POST", "/jobs/crawl/runs/running/cancel", {"why": "x"}, 422),
        ("POST", "/jobs/crawl/runs/nothing/cancel", None, 404),
        ("POST", "/jobs/nothing/runs/ended/cancel", None, 404),
        ("POST", "/jobs/crawl/runs/running/retry", None, 409),
        ("POST", "/jobs/crawl/runs/ended/retry", None, 200),
        ("POST", "/jobs/crawl/runs/ended/retry", {"keys": []}, 422),
        ("POST", "/jobs/crawl/runs/queued/priority", {"priority": 5}, 204),
        ("POST", "/jobs/crawl/runs/queued/priority", None, 422),
        ("POST", "/jobs/crawl/runs/running/priority", {"priority": 5}, 409),
        ("POST", "/jobs/crawl/runs/queued/priority", {"priority": 1001}, 422),
        ("POST", "/jobs/crawl/runs/ended/parallelism", {"parallelism": 5}, 409),
        ("POST", "/jobs/crawl/runs/queued/parallelism", {}, 422),
        ("POST", "/jobs/crawl/pause", None, 204),
        ("POST", "/jobs/nothing/pause", None, 404),
        ("POST", "/jobs/crawl/resume", None, 204),
        ("DELETE", "/jobs/crawl/runs/ended", None, 204),
        ("DELETE", "/jobs/crawl/runs/running", None, 409),
        ("DELETE", "/jobs/crawl/runs/nothing", None, 404),
    ],
)
def test_status(client, job, method, path, body, status):
    answer = client.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    if status in {404, 409}:
        assert isinstance(answer.json()["detail"], str)
