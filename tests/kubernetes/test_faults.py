"""What goes wrong with pods: injected for real, told with its reason, survived; and no pod is left behind."""

from __future__ import annotations

import pytest
import yaml
from kubernetes.client import V1DeleteOptions, V1Eviction, V1ObjectMeta

from tests.kubernetes.runners import NAMESPACE, until


@pytest.fixture(autouse=True)
def no_pod_is_left(pods):
    yield
    pods.none_left()


def start(pods, job, **conf):
    pods.airflow.api.wait_for_dag(job)
    return pods.airflow.api.trigger(job, conf)


def ended(pods, job, run, timeout=180):
    return pods.airflow.api.wait(job, run, timeout)["state"]


def attempts(pods, job, run):
    instances = pods.airflow.api.task_instances(job, run)
    return sorted((one["map_index"], one["try_number"]) for one in instances if one["task_id"] == "run")


def failure(pods, job, run):
    """The reason in the job's result, for a run of one subtask that failed."""
    [only] = pods.result(job, run, key="result")["failures"]
    return only["type"], only["message"]


def audit(pods, job, run):
    return [one["event"] for one in pods.airflow.api.get("/eventLogs", dag_id=job, run_id=run)["event_logs"]]


def test_an_image_that_cannot_be_pulled(pods):
    run = start(pods, "no_image")
    assert ended(pods, "no_image", run) == "failed"
    kind, message = failure(pods, "no_image", run)
    assert kind == "ImageNotPulled"
    assert "registry.invalid/no/such:1" in message
    assert "pod: ImageNotPulled" in audit(pods, "no_image", run)


def test_no_node_fits_and_cancel_takes_the_pending_pod(pods):
    run = start(pods, "no_node")
    told = until("a reason", lambda: pods.told("no_node", run))
    assert told["reason"] == "PodNotScheduled"
    assert "didn't match Pod's node affinity/selector" in told["message"]
    assert pods.pod_of(run).status.phase == "Pending"
    pods.airflow.api.cancel("no_node", run)
    pods.none_left(30)
    again = start(pods, "echo")  # the executor's slots are free again: the three pending pods had all of them
    assert ended(pods, "echo", again) == "success"


def test_memory_runs_out_and_the_next_try_gets_more(pods):
    run = start(pods, "hungry")
    first = pods.pod_of(run)
    assert first.spec.containers[0].resources.limits["memory"] == "400Mi"
    second = until("a second pod", lambda: next((p for p in pods.pods() if p.metadata.name != first.metadata.name), None))
    assert second.spec.containers[0].resources.limits["memory"] == str(800 << 20)
    assert second.spec.containers[0].resources.requests["memory"] == str(200 << 20)
    assert ended(pods, "hungry", run) == "success"
    assert attempts(pods, "hungry", run) == [(0, 2)]


def test_memory_too_small_for_the_runner_itself(pods):
    run = start(pods, "starved")
    assert ended(pods, "starved", run) == "success"
    assert "pod: OutOfMemory" in audit(pods, "starved", run)


def test_kill_of_the_container(pods, cluster):
    run = start(pods, "echo", number=1, seconds=20)
    pod = pods.pod_of(run, phase="Running")
    until("its start", lambda: pods.running("echo", run))
    cluster.kill_container(pod.metadata.name, NAMESPACE)
    told = until("a reason", lambda: pods.told("echo", run))
    assert (told["attempt"], told["reason"]) == (1, "RunnerFailed")
    assert "exit code 137" in told["message"]
    assert ended(pods, "echo", run) == "success"
    assert attempts(pods, "echo", run) == [(0, 2)]


def test_pod_deleted_by_hand_while_it_runs(pods):
    run = start(pods, "echo", number=1, seconds=20)
    pod = pods.pod_of(run, phase="Running")
    until("its start", lambda: pods.running("echo", run))
    pods.core.delete_namespaced_pod(pod.metadata.name, NAMESPACE, body=V1DeleteOptions(grace_period_seconds=0))
    told = until("a reason", lambda: pods.told("echo", run))
    assert told["reason"] == "PodDeleted"
    assert ended(pods, "echo", run) == "success"
    assert attempts(pods, "echo", run) == [(0, 2)]


def test_pod_deleted_by_hand_before_it_starts(pods, cluster):
    cluster.kubectl("cordon", "--all")
    try:
        run = start(pods, "echo", number=1)
        pod = pods.pod_of(run, phase="Pending")
        pods.core.delete_namespaced_pod(pod.metadata.name, NAMESPACE, body=V1DeleteOptions(grace_period_seconds=0))
        copy = until("a copy", lambda: next((p for p in pods.pods() if p.metadata.uid != pod.metadata.uid), None))
        assert copy.metadata.name == f"{pod.metadata.name}-1"
    finally:
        cluster.kubectl("uncordon", "--all")
    assert ended(pods, "echo", run) == "success"
    assert attempts(pods, "echo", run) == [(0, 1)]


def test_eviction(pods):
    run = start(pods, "echo", number=1, seconds=20)
    pod = pods.pod_of(run, phase="Running")
    until("its start", lambda: pods.running("echo", run))
    eviction = V1Eviction(
        metadata=V1ObjectMeta(name=pod.metadata.name, namespace=NAMESPACE),
        delete_options=V1DeleteOptions(grace_period_seconds=1),
    )
    pods.core.create_namespaced_pod_eviction(pod.metadata.name, NAMESPACE, eviction)
    told = until("a reason", lambda: pods.told("echo", run))
    assert told["reason"] == "PodEvicted"
    assert "EvictionByEvictionAPI" in told["message"]
    assert ended(pods, "echo", run) == "success"
    assert attempts(pods, "echo", run) == [(0, 2)]


def test_a_full_quota_waits_and_costs_no_attempt(pods, cluster):
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": NAMESPACE}}
    cluster.kubectl("apply", "-f", "-", given=yaml.safe_dump({**quota, "spec": {"hard": {"pods": "1"}}}))
    try:
        run = start(pods, "echo", number=2, seconds=16)
        told = until("a reason", lambda: pods.told("echo", run, 0) or pods.told("echo", run, 1))
        assert told["reason"] == "PodNotCreated"
        assert "few has 1 of 1 pods" in told["message"]
        assert ended(pods, "echo", run) == "success"
    finally:
        cluster.kubectl("--namespace", NAMESPACE, "delete", "resourcequota", "few")
    assert attempts(pods, "echo", run) == [(0, 1), (1, 1)]


def test_a_runner_that_cannot_reach_airflow(pods):
    run = start(pods, "cut_off")
    assert ended(pods, "cut_off", run) == "failed"
    kind, message = failure(pods, "cut_off", run)
    assert kind == "RunnerFailed"
    assert "Connection refused" in message


def test_kubernetes_api_away(pods, cluster):
    run = start(pods, "echo", number=1, seconds=10)
    until("its start", lambda: pods.running("echo", run))
    cluster.stop("kube-apiserver")
    try:
        late = start(pods, "hungry")
        told = until("a reason", lambda: pods.told("hungry", late))
        assert (told["reason"], "Kubernetes does not answer" in told["message"]) == ("PodNotCreated", True)
        assert ended(pods, "echo", run) == "success"  # what runs needs Airflow's API alone
    finally:
        cluster.start("kube-apiserver")
    pods.revive()
    assert ended(pods, "hungry", late) == "success"
    assert attempts(pods, "echo", run) == [(0, 1)]


def test_a_scheduler_dies_while_pods_run(pods):
    run = start(pods, "echo", number=3, seconds=12)
    until("their start", lambda: pods.running("echo", run) == 3)
    pods.airflow.kill("scheduler-1")
    pods.airflow.start("scheduler-1")
    assert ended(pods, "echo", run) == "success"
    assert attempts(pods, "echo", run) == [(0, 1), (1, 1), (2, 1)]


def test_cancel_takes_running_pods(pods):
    run = start(pods, "echo", number=2, seconds=300)
    until("their start", lambda: pods.running("echo", run) == 2)
    pods.airflow.api.cancel("echo", run)
    pods.none_left(60)


def test_a_node_that_is_gone(pods, cluster):
    run = start(pods, "echo", number=1, seconds=15)
    pod = pods.pod_of(run, phase="Running")
    until("its start", lambda: pods.running("echo", run))
    cluster.stop("kubelet")
    cluster.kill_container(pod.metadata.name, NAMESPACE)
    try:
        told = until("a reason", lambda: pods.told("echo", run), 180)
        assert told["reason"] == "PodEvicted"
        assert "node" in told["message"].lower()
    finally:
        cluster.start("kubelet")
    assert ended(pods, "echo", run, 240) == "success"
    assert attempts(pods, "echo", run) == [(0, 2)]

