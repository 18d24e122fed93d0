"""Which jobs a subtask may be a run of, as the API server sees it: what the DAG says counts, not what a runner asks for."""

import json

import pytest
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.state import TaskScope
from airflow.utils.state import DagRunState, TaskInstanceState
from fastapi import HTTPException

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.growth.backend import GrowthBackend
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec import parse_job


def serialized(session, job_id, more=""):
    dag = build_dag(parse_job(f"plan: {{items: [1]}}\nrun: {{shell: x}}\n{more}", id=job_id))
    lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(dag))
    SerializedDagModel.write_dag(lazy, bundle_name="b", session=session)
    return dag


MORE = {
    "one": "subtasks: {jobs: [named, plain, gone]}",
    "named": "params: {url: {type: string}, depth: {type: integer, default: 1}}",
}


@pytest.fixture
def ask(session, make_job):
    """Ask as the running plan of ``one`` does, which may run ``named``, ``plain`` and ``gone``."""
    for job_id in ("one", "named", "plain", "other"):
        job = make_job(job_id)
        session.flush()
        dag = serialized(session, job_id, MORE.get(job_id, ""))
        if job_id == "one":
            job.run("r", DagRunState.RUNNING)
            plan = TaskInstance(job.dag.get_task("plan"), run_id="r", dag_version_id=None)
            plan.state = TaskInstanceState.RUNNING
            session.add(plan)
            begin = {"tolerate": "0", "steps": dag.task_dict["plan"].steps}
    session.flush()
    backend, calls = GrowthBackend(), iter(range(100))
    scope = TaskScope(dag_id="one", run_id="r", task_id="plan", map_index=-1)

    def asked(question, **body):
        value = json.dumps({"call": str(next(calls)), "begin": begin, **body})
        backend.set(scope, question, value, session=session)
        return json.loads(backend.get(scope, store_keys.ANSWER, session=session))

    return asked


@pytest.mark.parametrize(
    ("job", "says"),
    [
        ("other", "job 'other' not allowed in one; expected one of its subtasks.jobs: named, plain, gone"),
        ("one", "job 'one' not allowed in one; expected one of its subtasks.jobs: named, plain, gone"),
        ("gone", "unknown job 'gone': it does not exist in this Airflow, or it has import errors"),
    ],
)
def test_others_are_refused_at_the_enqueue_and_at_the_call(ask, job, says):
    refused = {"type": "SpecError", "message": says}
    children = [["mine", {"a": 1}], ["k", {"a": 1}, job]]
    assert ask(store_keys.ENQUEUE, children=children)["refused"] == refused
    assert ask(store_keys.CALL, job=job, conf={})["refused"] == refused


def test_a_named_one_is_a_subtask(ask):
    children = [["mine", {"a": 1}], ["k", {"a": 1}, "named"]]
    assert ask(store_keys.ENQUEUE, children=children)["new"] == 2


@pytest.mark.parametrize("child", [{}, ["k", {}, 5], ["k", {}, ""], ["k"]])
def test_what_is_no_child_is_refused(ask, child):
    with pytest.raises(HTTPException, match=r"422: .*children"):
        ask(store_keys.ENQUEUE, children=[child])


@pytest.mark.parametrize(
    ("job", "conf", "undeclared", "declared"),
    [
        ("named", {"url": "x", "verify": False}, "'verify'", "depth, url"),
        ("named", {"URL": "x", "a\nb": 1}, "'URL', 'a\\nb'", "depth, url"),
        ("plain", {"item": 1}, "'item'", "none"),
    ],
)
def test_a_field_that_no_param_of_the_called_job_declares_is_refused(ask, job, conf, undeclared, declared):
    message = f"unknown param {undeclared} of the job {job}; expected {declared}"
    assert ask(store_keys.CALL, job=job, conf=conf, results={"step": 1})["refused"] == {
        "type": "InvalidPayload",
        "message": message,
    }


@pytest.mark.parametrize("body", [{"conf": []}, {"conf": {}, "results": [1]}, {"conf": None}, {}])
def test_what_is_no_conf_is_refused(ask, body):
    with pytest.raises(HTTPException, match=r"422: .*(conf|results)"):
        ask(store_keys.CALL, job="named", **body)
