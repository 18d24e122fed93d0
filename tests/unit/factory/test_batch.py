"""What ``batch`` makes of a job's DAG, and that a job without it stays as it was."""

from datetime import timedelta

import pytest

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.factory.placement import marker
from airflow_mcp_provider.operators.batch import BatchOperator
from airflow_mcp_provider.operators.run import RunOperator
from airflow_mcp_provider.spec import parse_job

TEXT = """plan: {items: [1]}
run: {shell: x}
retries: {attempts: 3, delay: 30s, only_on: [OSError]}
timeouts: {hard: 1m}
"""


def _dag(more: str = ""):
    return build_dag(parse_job(TEXT + more, id="job"))


@pytest.mark.parametrize("more", ["", "subtasks: {batch: 1}\n"])
def test_one_a_runner_is_the_same_dag_as_without(more):
    dag = _dag(more)
    run = dag.task_dict["run"]
    assert (run.operator_class, run.partial_kwargs["retries"]) == (RunOperator, 2)
    assert "tries" not in run.partial_kwargs
    plan = dag.task_dict["plan"]
    assert not [place for place in (plan.subtasks, *plan.steps) if "batch" in place]
    assert dag.default_args["mcp"]["pods"]["run"] == {"deadline": 660.0}


def test_airflows_tries_are_for_lost_runners_and_the_subtasks_have_their_own():
    dag = _dag("subtasks: {batch: 20}\n")
    run = dag.task_dict["run"]
    assert run.operator_class is BatchOperator
    kwargs = run.partial_kwargs
    assert (kwargs["retries"], kwargs["retry_delay"]) == (59, timedelta(seconds=5))
    assert not kwargs.get("retry_policy")
    names = {"never_on": [], "only_on": ["OSError"]}
    assert kwargs["tries"] == {"attempts": 3, "delay": 30.0, "backoff": 2.0, "max_delay": 600.0, **names}
    assert dag.task_dict["plan"].steps[0]["batch"] == 20


def test_airflows_tries_have_an_end():
    assert _dag("subtasks: {batch: 500}\n").task_dict["run"].partial_kwargs["retries"] == 99
    one = build_dag(parse_job(TEXT.replace("attempts: 3", "attempts: 1") + "subtasks: {batch: 2}\n", id="job"))
    assert one.task_dict["run"].partial_kwargs["retries"] == 1


def test_a_pod_lives_as_long_as_all_its_subtasks_may_take():
    spec = parse_job(TEXT + "subtasks: {batch: 20}\n", id="job")
    needs = marker(spec).pods["run"]
    assert (needs.batch, needs.deadline) == (20, timedelta(minutes=60 + 10))
    assert type(needs).read(needs.dump()) == needs


def test_people_read_it_on_the_jobs_page():
    assert "20 per task instance" in _dag("subtasks: {batch: 20}\n").doc_md
    assert "per task instance" not in _dag().doc_md
