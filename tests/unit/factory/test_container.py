"""A job whose work is a container: what its runner's pod is given, and what its runner is told of the other one."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.factory.placement import marker
from airflow_mcp_provider.spec import parse_job

JOB = """
plan: {items: [1]}
steps:
- {name: inside, run: {container: {image: tool}}}
- {name: outside, run: {shell: x}}
timeouts: {hard: 5m}
pod:
  resources: {limits: {memory: 1Gi}}
  on_oom: {memory: x2, max: 4Gi}
  affinity: {nodeAffinity: {}}
"""


def built(text=JOB):
    return build_dag(parse_job(text, id="job", source="job.yaml")).task_dict


def test_the_runners_pod_has_an_account_and_the_containers_has_the_rest():
    tasks = built()
    runner = tasks["inside"].partial_kwargs["executor_config"]["pod_override"]
    assert (runner.spec.service_account_name, runner.spec.automount_service_account_token) == (
        "airflow-containers",
        True,
    )
    assert runner.spec.containers[0].resources is None
    assert [one.name for one in runner.spec.containers[0].env] == ["MCP_POD"]
    told = tasks["inside"].partial_kwargs["container"]
    assert told["pod"]["spec"]["containers"][0]["resources"] == {"limits": {"memory": "1Gi"}}
    assert (told["hard"], told["memory"]) == (300, {"factor": 2.0, "max": "4Gi"})


def test_other_work_is_told_nothing_and_keeps_its_pod():
    outside = built()["outside"].partial_kwargs
    assert "container" not in outside
    assert outside["executor_config"]["pod_override"].spec.containers[0].resources.limits == {"memory": "1Gi"}


def test_only_the_pod_that_ran_out_of_memory_gets_more():
    pods = marker(parse_job(JOB, id="job")).pods
    assert (pods["inside"].memory, pods["outside"].memory.max) == (None, "4Gi")
    assert pods["inside"].deadline == timedelta(minutes=15)


def test_no_account_is_that_of_the_template(monkeypatch):
    monkeypatch.setenv("AIRFLOW__MCP__CONTAINER_SERVICE_ACCOUNT", "")
    runner = built()["inside"].partial_kwargs["executor_config"]["pod_override"]
    assert (runner.spec.service_account_name, runner.spec.automount_service_account_token) == (None, True)


def test_a_plan_may_be_one():
    plan = built("plan: {container: {image: tool}}\nrun: {shell: x}\n")["plan"]
    assert plan.container["pod"]["spec"]["containers"] == [{"name": "base"}]
    assert plan.executor_config["pod_override"].spec.service_account_name == "airflow-containers"
    local = built("plan: {container: {image: tool}}\nrun: {shell: x}\ncontrol: local\n")["plan"]
    assert (local.executor, local.executor_config) == ("LocalExecutor", {})


def test_its_dag_is_plain_json():
    assert json.dumps(DagSerialization.to_dict(build_dag(parse_job(JOB, id="job"))))


def test_a_wrong_pod_is_told_when_the_dag_is_read():
    with pytest.raises(SpecError, match=r"pod.security_context.runAsUsr: unknown key \"runAsUsr\""):
        built(JOB + "  security_context: {runAsUsr: 5}\n")


RUNNER = f"""
import os, sys
os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = "job"
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import parse_job
task = build_dag(parse_job({JOB!r}, id="job")).task_dict["inside"]
import airflow_mcp_provider.operators.container.choice
print(task.partial_kwargs["container"]["hard"], "kubernetes" in sys.modules)
"""


def test_in_a_runner_nothing_of_kubernetes_is_loaded():
    out = subprocess.run([sys.executable, "-c", RUNNER], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "300.0 False"
