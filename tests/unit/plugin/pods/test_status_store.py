"""What is kept of a pod at its task, on real tables."""

import pytest
from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, TaskInstanceState
from kubernetes.client.rest import ApiException
from sqlalchemy import select

from airflow_mcp_provider.plugin.db import state_store
from airflow_mcp_provider.plugin.db.identity import RunRef, TaskRef
from airflow_mcp_provider.plugin.pods.creation_errors import _message
from airflow_mcp_provider.plugin.pods.identity import Attempt
from airflow_mcp_provider.plugin.pods.missing import why
from airflow_mcp_provider.plugin.pods.status_store import note
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.runtime.pod_reasons import refused


@pytest.fixture
def planning(session, job):
    """A run, and its plan that waits for a pod."""
    run = job.run("one", DagRunState.RUNNING)
    task = TaskInstance(job.dag.get_task("plan"), run_id="one", dag_version_id=None)
    task.state, task.try_number = TaskInstanceState.QUEUED, 1
    session.add(task)
    session.flush()
    return run, task


def test_a_refused_pod_stays_refused_until_the_next_attempt(session, planning):
    run, task = planning

    def kept(attempt, reason):
        task.try_number = attempt
        session.flush()
        note(session, Attempt(TaskRef("crawl", "one", "plan", -1), attempt, "7", None), "", reason)
        return state_store.read(session, RunRef(run.id, "crawl", "one"), "plan", -1, store_keys.POD)["reason"]

    assert kept(1, why(None)) == "PodNotCreated"
    assert kept(1, refused("a policy")) == "PodRefused"
    assert kept(1, why(None)) == "PodRefused", "a look that was under way knows no better"
    assert kept(2, why(None)) == "PodNotCreated"
    session.flush()
    told = session.scalars(select(Log.event).order_by(Log.id)).all()
    assert told == ["pod: PodNotCreated", "pod: PodRefused", "pod: PodNotCreated"]


def test_a_pod_that_bears_anothers_names_tells_nothing(session, planning):
    run, task = planning

    def kept(instance):
        note(session, Attempt(TaskRef("crawl", "one", "plan", -1), 1, "7", instance), "p", refused("a policy"))
        return state_store.read(session, RunRef(run.id, "crawl", "one"), "plan", -1, store_keys.POD)

    assert kept("00000000-0000-0000-0000-000000000000") is None
    assert kept(str(task.id))["reason"] == "PodRefused"


def test_kubernetes_own_words_are_told():
    error = ApiException(status=422, reason="Unprocessable Entity")
    error.body = '{"message": "Pod \\"p\\" is invalid"}'
    assert _message(error) == 'Pod "p" is invalid'
    error.body = "no JSON"
    assert "Unprocessable Entity" in _message(error)
