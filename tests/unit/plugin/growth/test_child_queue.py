"""A subtask that is a run of a job whose queue is full: it waits, and what that costs."""

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.state import DagRunState
from sqlalchemy import event, select
from structlog.testing import capture_logs

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec import parse_job
from tests.unit.plugin.played import Played


class Calling(Played):
    SPEC = "plan: {items: [1]}\nrun: {shell: x}\nsubtasks: {jobs: [walk]}"

    def call(self):
        return self.ask("run", 0, store_keys.CALL, {"job": "walk", "conf": {"url": "x"}})


@pytest.fixture
def calling(session, make_job):
    """A run whose subtask is a run of ``walk``; and ``walk``, of which a run is queued."""

    def make(queue):
        spec = f"params: {{url: {{type: string}}}}\nplan: {{items: [1]}}\nrun: {{shell: x}}\nqueue: {queue}"
        walk = make_job("walk")
        session.flush()
        lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(build_dag(parse_job(spec, id="walk"))))
        SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
        first = walk.run("first", conf={"url": "x"})
        session.commit()
        run = Calling(session, make_job())
        run.planned(["a"])
        run.instance("run", 0)
        return run, first

    return make


@pytest.fixture
def inserts(tables):
    """The INSERTs of runs."""
    found = []

    def note(_connection, _cursor, statement, *_):
        if statement.startswith("INSERT INTO dag_run "):
            found.append(statement)

    event.listen(tables, "before_cursor_execute", note)
    yield found
    event.remove(tables, "before_cursor_execute", note)


@pytest.mark.parametrize("queue", ["{max_pending: 1}", "{unique: [url]}", "{overlap: reject}"])
def test_while_it_waits_no_run_is_created_and_nobody_is_told_of_a_refusal(calling, session, inserts, queue):
    run, first = calling(queue)
    inserts.clear()
    with capture_logs() as lines:
        answers = [run.call() for _ in range(3)]
    assert [answer["state"] for answer in answers] == ["queued"] * 3
    assert {answer["waited"] for answer in answers} == {120}, "it asks again after a quarter of that"
    assert inserts == []
    assert "run rejected" not in [line["event"] for line in lines]
    first.set_state(DagRunState.SUCCESS)
    session.flush()
    name = run.call()["run"]
    assert (len(inserts), name) == (
        1,
        session.scalar(select(DagRun.run_id).where(DagRun.run_type == "operator_triggered")),
    )
