"""Who may write our rows, and what a damaged one comes to: its own subtask fails, and nothing else."""

import asyncio
import json

import msgspec
import pytest
from airflow.state import TaskScope
from fastapi import HTTPException
from sqlalchemy import update

from airflow_mcp_provider.errors import InvalidPayload, InvalidRow
from airflow_mcp_provider.plugin.db import rows, state_store
from airflow_mcp_provider.plugin.db.identity import RunRef
from airflow_mcp_provider.plugin.db.tables import Store
from airflow_mcp_provider.plugin.growth.batch_state import Batch
from airflow_mcp_provider.plugin.growth.protected_keys import KeptBackend
from airflow_mcp_provider.plugin.growth.run_state import RunState
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.request_types import read_request
from tests.unit.plugin.played import Played

SERVERS = [
    "mcp.item",
    "mcp.continued",
    "mcp.final",
    "mcp.run",
    "mcp.key.a",
    "mcp.called",
    "mcp.caller",
    "mcp.batch",
    "mcp.answer",
    "mcp.answer.x.1",
]


@pytest.fixture
def run(session, job):
    class One(Played):
        SPEC = "plan: {items: [1]}\nrun: {shell: x}"

    one = One(session, job)
    one.planned(["a", "b"])
    return one


def scope(index=0):
    return TaskScope(dag_id="crawl", run_id="one", task_id="run", map_index=index)


def damage(run, key, value, index=0, task="run"):
    changed = update(Store).where(Store.task_id == task, Store.map_index == index, Store.key == key)
    run.session.execute(changed.values(value=value))


def ended(run):
    """Both subtasks have ended well."""
    for index in (0, 1):
        one = run.instance("run", index)
        run.set("run", index, store_keys.OUTCOME, {"attempt": 1, "result": index})
        one.state = "success"
    run.session.flush()


@pytest.mark.parametrize("key", [*SERVERS, "mcp.outcomes.0.0", "mcp.anything"])
@pytest.mark.parametrize("value", [5, {"call": "x.1"}, [1]])
def test_a_runner_may_not_write_what_is_the_servers(run, key, value):
    run.instance("run", 0)
    with pytest.raises(HTTPException) as refused:
        run.set("run", 0, key, value)
    assert refused.value.status_code == 403


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (store_keys.OOMS, {"a": 1}),
        (store_keys.OOMS, ["1"]),
        (store_keys.OOMS, [1] * 2_000),
        (store_keys.VERDICT, {"note": 5}),
        (store_keys.VERDICT, []),
        (store_keys.GO_ON, 5),
        (store_keys.NEXT, {"call": 7}),
        (store_keys.ENQUEUE, [1]),
        (store_keys.OUTCOME, {"attempt": 1, "result": "x" * 1_100_000}),
        (store_keys.OUTCOME, {"attempt": 1, "error": {"type": "OSError", "message": "gone", "trace": 5}}),
        (store_keys.VERDICT, {"note": "x" * 1_000_000}),
        (store_keys.PROGRESS, {"fraction": 2, "message": "x"}),
        (store_keys.PROGRESS, {"fraction": True, "message": "x"}),
        (store_keys.PROGRESS, {"fraction": 0.5, "message": "x" * 2_000}),
        (store_keys.PROGRESS, {"fraction": 0.5, "message": "x", "more": [1] * 100_000}),
        (store_keys.PROGRESS, "x" * 1_000_000),
    ],
)
def test_what_a_runner_writes_has_our_form(run, key, value):
    run.instance("run", 0)
    with pytest.raises(HTTPException) as refused:
        run.set("run", 0, key, value)
    assert refused.value.status_code == 422


@pytest.mark.parametrize("backend", [KeptBackend(), None])
@pytest.mark.parametrize("all_map_indices", [True, False])
def test_our_rows_are_neither_removed_nor_changed(run, backend, all_map_indices):
    ended(run)
    backend = backend or run.backend
    backend.set(scope(), "mine", "1", session=run.session)
    backend.clear(scope(), all_map_indices=all_map_indices, session=run.session)
    assert run.get("run", 0, "mine") is None
    assert [one["result"] for one in run.outcomes().values()] == [0, 1]
    for change in (
        lambda: backend.delete(scope(), store_keys.OUTCOME, session=run.session),
        lambda: KeptBackend().set(scope(), store_keys.OUTCOME, "[1]", session=run.session),
        lambda: asyncio.run(backend.aset(scope(), store_keys.ITEM, "1")),
        lambda: asyncio.run(backend.adelete(scope(), store_keys.ITEM)),
    ):
        with pytest.raises(HTTPException) as refused:
            change()
        assert refused.value.status_code == 403


@pytest.mark.parametrize("value", ["[1]", "5", "null", "{", "{}", '{"key": 5}', '{"key": "a", "payload": []}'])
def test_a_damaged_item_fails_its_own_subtask(run, value):
    ended(run)
    damage(run, store_keys.ITEM, value)
    with pytest.raises(HTTPException) as refused:
        run.get("run", 0, store_keys.ITEM)
    assert refused.value.status_code == 409
    found = run.outcomes()
    assert found["run[0]", "run"]["error"]["type"] == "InvalidRow"
    assert found["b", "run"]["result"] == 1


@pytest.mark.parametrize("value", ["[1]", "null", "{", "5", '{"attempt": "x"}'])
def test_a_damaged_outcome_fails_its_own_subtask(run, value):
    ended(run)
    damage(run, store_keys.OUTCOME, value)
    found = run.outcomes()
    assert found["a", "run"]["error"]["type"] == "InvalidRow"
    assert found["b", "run"]["result"] == 1


@pytest.mark.parametrize("value", ["[1]", "null", "{", "5", '{"steps": 5}', '{"tolerate": "x", "steps": []}'])
def test_a_damaged_counter_is_told(run, value):
    run.instance("run", 0)
    damage(run, store_keys.RUN, value, index=-1, task="plan")
    for ask in (lambda: run.get("run", 0, store_keys.ITEM), lambda: run.get("report", -1, "mcp.outcomes.0.0")):
        with pytest.raises(HTTPException) as refused:
            ask()
        assert refused.value.status_code == 409


@pytest.mark.parametrize(
    "value", [5, [], {}, {"life": "x", "turns": {}}, {"life": 1, "turns": {"0": {"status": "no"}}}]
)
def test_a_damaged_batch_is_told(value):
    with pytest.raises(InvalidRow):
        Batch.of(value)


@pytest.mark.parametrize("value", [5, {"run": "x"}, {"run": True, "task_id": "run", "map_index": 0}, None, []])
def test_a_damaged_caller_is_told(value):
    with pytest.raises(InvalidRow):
        rows.Caller.of(value)


@pytest.mark.parametrize("value", [5, {}, {"job": "b", "run": 1, "at": "2024"}, {"job": "b", "run": "r", "at": "x"}])
def test_a_damaged_call_is_told(value):
    with pytest.raises(InvalidRow):
        rows.Called.of(value)


def test_a_forged_call_does_not_reach_the_run_of_another(run, make_job):
    other = make_job("secret").run("theirs")
    run.instance("run", 0)
    called = {"job": "secret", "run": other.run_id, "at": "2024-01-01T00:00:00+00:00", "attempt": 1}
    state_store.write(run.session, RunRef(run.run.id, "crawl", "one"), "run", 0, store_keys.CALLED, called)
    answer = run.ask("run", 0, store_keys.CALL, {"job": "secret", "conf": {}})
    assert answer["refused"]["type"] == "InvalidRow"
    assert "report" not in answer


def test_what_plan_begins_with_has_our_form(run):
    begin = read_request(store_keys.ENQUEUE, {"call": "x", "children": [], "begin": run.begin}).begin
    assert [step.name for step in RunState.begun(begin).steps] == ["run"]
    with pytest.raises(InvalidPayload, match="tolerate"):
        RunState.begun(msgspec.structs.replace(begin, tolerate="x"))
    for value in ({}, {"tolerate": "0", "steps": []}, {"tolerate": "0", "steps": [{"name": "run"}] * 5_000}):
        with pytest.raises(InvalidPayload, match=r"begin"):
            read_request(store_keys.ENQUEUE, {"call": "x", "children": [], "begin": value})
        with pytest.raises(InvalidRow):
            RunState.of(value)
    assert json.loads(run.get("plan", -1, store_keys.RUN))["subtasks"] == 2


def test_progress_of_our_form_is_kept_and_of_another_dag_any(run, make_job):
    for told in ({"fraction": 0.5, "message": "page 1"}, {"fraction": 1, "message": ""}):
        run.set("run", 0, store_keys.PROGRESS, told)
        assert json.loads(run.get("run", 0, store_keys.PROGRESS)) == told
    make_job("plain").run("theirs")
    plain = TaskScope(dag_id="plain", run_id="theirs", task_id="work", map_index=-1)
    run.backend.set(plain, store_keys.PROGRESS, '"half of it"', session=run.session)
    assert run.backend.get(plain, store_keys.PROGRESS, session=run.session) == '"half of it"'


def test_what_a_runner_adds_to_its_error_is_not_the_reports(run):
    one = run.instance("run", 0)
    error = {"type": "OSError", "message": "gone", "more": [1], "trace": "line 5"}
    run.set("run", 0, store_keys.OUTCOME, {"attempt": 1, "error": error})
    one.state = "failed"
    run.session.flush()
    told = run.outcomes()["a", "run"]["error"]
    assert told == {"type": "OSError", "message": "gone", "trace": "line 5"}


@pytest.mark.parametrize("value", ["[1]", "5", "{}", '{"key": 5}', '{"key": "a", "payload": []}'])
def test_a_damaged_item_of_a_success_is_counted(run, value):
    ended(run)
    run.instance("report", -1)
    damage(run, store_keys.ITEM, value)
    assert run.tally(2)["failed"] == 1
