"""What goes wrong with pods: injected for real, told with its reason, survived; and no pod is left behind."""

from __future__ import annotations

import time

import pytest
import yaml
from kubernetes.client import V1DeleteOptions, V1Eviction, V1ObjectMeta

from tests.kubernetes.runners import DATA, NAMESPACE, until

AT_ONCE = ("hungry", "starved", "no_image", "refused", "cut_off", "echo_killed", "echo_deleted", "echo_evicted")
WAIT = ("hungry", "echo_killed", "echo_deleted", "echo_evicted")


@pytest.fixture(scope="module")
def begun(runners):
    """The runs whose faults harm nobody else, all at the same time; some wait for their test."""
    conf = {job: {"until": f"{DATA}/{job}"} | ({} if job == "hungry" else {"number": 1}) for job in WAIT}
    return {job: start(runners, job, **conf.get(job, {})) for job in AT_ONCE}


@pytest.fixture
def run_of(runners, begun):
    """Give the run of a job, of which no pod is left in the end."""
    asked = {}
    yield lambda job: asked.setdefault(job, begun[job])
    for job in asked:
        for name in (job, f"{job}.fed"):  # also when the test has failed
            (runners.data / name).touch()
    runners.none_left_of(*asked.values())


@pytest.fixture
def alone(runners):
    """For a fault that harms whatever runs: no pod is left in the end."""
    yield
    runners.none_left()


@pytest.fixture
def go(runners, tmp_path):
    """A file on which the runners of an echo wait: here, and in the pods."""
    name = tmp_path.name
    yield runners.data / name, f"{DATA}/{name}"
    (runners.data / name).touch()  # also when the test has failed


def start(runners, job, **conf):
    runners.airflow.api.wait_for_dag(job)
    return runners.airflow.api.trigger(job, conf)


def ended(runners, job, run, timeout=180):
    return runners.airflow.api.wait(job, run, timeout)["state"]


def running(runners, job, run):
    """Give the pod of a run of one subtask, which works."""
    pod = runners.pod_of(run, phase="Running")
    until("its start", lambda: runners.running(job, run))
    return pod


def goes_on(runners, job, run):
    """Let the runners end: the next attempt succeeds."""
    (runners.data / job).touch()
    assert ended(runners, job, run) == "success"
    assert attempts(runners, job, run) == [(0, 2)]


def attempts(runners, job, run):
    instances = runners.airflow.api.task_instances(job, run)
    return sorted((one["map_index"], one["try_number"]) for one in instances if one["task_id"] == "run")


def failure(runners, job, run):
    """The reason in the job's result, for a run of one subtask that failed."""
    [only] = runners.result(job, run, key="result")["failures"]
    return only["type"], only["message"]


def pods_of(runners, run):
    return {pod.metadata.name: pod for pod in runners.pods() if pod.metadata.annotations["run_id"] == run}


def nodes(runners):
    return [node.metadata.name for node in runners.core.list_node().items]


def audit(runners, job, run):
    return [one["event"] for one in runners.airflow.api.get("/eventLogs", dag_id=job, run_id=run)["event_logs"]]


def kept(runners, job, run, reason, words="", places=(0,)):
    """Wait for a reason that is kept of a pod; where a machine is slow, there is another one before: no pod yet."""

    def look():
        found = [told for index in places if (told := runners.told(job, run, index))]
        return next((told for told in found if told["reason"] == reason and words in told["message"]), None)

    return until(f"{reason}: {words}", look)


def logged(runners, job, run, reason):
    """What the audit log says of the first pod: the next one, which no node takes, has another reason soon."""
    found = runners.airflow.api.get("/eventLogs", dag_id=job, run_id=run)["event_logs"]
    return next((one["extra"] for one in found if (one["event"], one["try_number"]) == (f"pod: {reason}", 1)), "")


def test_memory_runs_out_and_the_next_try_gets_more(runners, run_of):
    run = run_of("hungry")
    first = runners.pod_of(run)
    assert first.spec.containers[0].resources.limits["memory"] == "400Mi"
    (runners.data / "hungry").touch()
    second = until(
        "a second pod", lambda: next((p for n, p in pods_of(runners, run).items() if n != first.metadata.name), None)
    )
    resources = second.spec.containers[0].resources
    assert resources.limits["memory"] == str(800 << 20)
    assert resources.requests["memory"] == str(200 << 20)
    (runners.data / "hungry.fed").touch()
    assert ended(runners, "hungry", run) == "success"
    assert attempts(runners, "hungry", run) == [(0, 2)]


def test_memory_too_small_for_the_runner_itself(runners, run_of):
    run = run_of("starved")
    assert ended(runners, "starved", run) == "success"
    assert "pod: OutOfMemory" in audit(runners, "starved", run)


def test_an_image_that_cannot_be_pulled(runners, run_of):
    run = run_of("no_image")
    assert ended(runners, "no_image", run) == "failed"
    kind, message = failure(runners, "no_image", run)
    assert kind == "ImageNotPulled"
    assert "registry.invalid/no/such:1" in message
    assert "pod: ImageNotPulled" in audit(runners, "no_image", run)


def test_a_runner_that_cannot_reach_airflow(runners, run_of):
    run = run_of("cut_off")
    assert ended(runners, "cut_off", run) == "failed"
    kind, message = failure(runners, "cut_off", run)
    assert kind == "AirflowNotReached"
    assert message.startswith("the runner could not reach Airflow's API at http://127.0.0.1:9/execution/")
    assert message.endswith("Connection refused")


def test_a_pod_that_kubernetes_refuses(runners, run_of):
    run = run_of("refused")
    assert ended(runners, "refused", run) == "failed"
    kind, message = failure(runners, "refused", run)
    assert kind == "PodRefused"
    assert 'Unsupported value: "Nonsense"' in message
    assert "pod: PodRefused" in audit(runners, "refused", run)


def test_kill_of_the_container(runners, run_of, cluster):
    run = run_of("echo_killed")
    cluster.kill_container(running(runners, "echo_killed", run).metadata.name, NAMESPACE)
    assert kept(runners, "echo_killed", run, "RunnerFailed", "exit code 137")["attempt"] == 1
    goes_on(runners, "echo_killed", run)


def test_pod_deleted_by_hand_while_it_runs(runners, run_of):
    run = run_of("echo_deleted")
    name = running(runners, "echo_deleted", run).metadata.name
    runners.core.delete_namespaced_pod(name, NAMESPACE, body=V1DeleteOptions(grace_period_seconds=0))
    kept(runners, "echo_deleted", run, "PodDeleted")
    goes_on(runners, "echo_deleted", run)


def test_eviction(runners, run_of):
    run = run_of("echo_evicted")
    name = running(runners, "echo_evicted", run).metadata.name
    eviction = V1Eviction(
        metadata=V1ObjectMeta(name=name, namespace=NAMESPACE), delete_options=V1DeleteOptions(grace_period_seconds=1)
    )
    runners.core.create_namespaced_pod_eviction(name, NAMESPACE, eviction)
    kept(runners, "echo_evicted", run, "PodEvicted", "EvictionByEvictionAPI")
    goes_on(runners, "echo_evicted", run)


@pytest.mark.usefixtures("alone")
def test_no_node_fits_and_cancel_takes_the_pending_pod(runners):
    run = start(runners, "no_node")
    kept(runners, "no_node", run, "PodNotScheduled", "didn't match Pod's node affinity/selector")
    assert runners.pod_of(run).status.phase == "Pending"
    runners.airflow.api.cancel("no_node", run)
    runners.none_left(30)
    again = start(runners, "echo", number=1)  # the executor's slots are free again: the pending pods had all of them
    assert ended(runners, "echo", again) == "success"


@pytest.mark.usefixtures("alone")
def test_pod_deleted_by_hand_before_it_starts(runners, cluster):
    cluster.kubectl("cordon", *nodes(runners))
    try:
        run = start(runners, "echo", number=1)
        pod = runners.pod_of(run, phase="Pending")
        runners.core.delete_namespaced_pod(pod.metadata.name, NAMESPACE, body=V1DeleteOptions(grace_period_seconds=0))
        copy = until("a copy", lambda: next((p for p in runners.pods() if p.metadata.uid != pod.metadata.uid), None))
        assert copy.metadata.name == f"{pod.metadata.name}-1"
    finally:
        cluster.kubectl("uncordon", *nodes(runners))
    assert ended(runners, "echo", run) == "success"
    assert attempts(runners, "echo", run) == [(0, 1)]


@pytest.mark.usefixtures("alone")
def test_a_full_quota_waits_and_costs_no_attempt(runners, cluster, go):
    here, there = go
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": NAMESPACE}}
    cluster.kubectl("apply", "-f", "-", given=yaml.safe_dump({**quota, "spec": {"hard": {"pods": "1"}}}))
    try:
        until("its count", lambda: runners.core.read_namespaced_resource_quota("few", NAMESPACE).status.used)
        run = start(runners, "echo", number=2, until=there)
        kept(runners, "echo", run, "PodNotCreated", "few uses 1 of 1 pods", places=(0, 1))
        here.touch()
        assert ended(runners, "echo", run) == "success"
    finally:
        cluster.kubectl("--namespace", NAMESPACE, "delete", "resourcequota", "few")
    assert attempts(runners, "echo", run) == [(0, 1), (1, 1)]
    for index in (0, 1):
        until("the reason to be forgotten", lambda index=index: not runners.told("echo", run, index))


@pytest.mark.usefixtures("alone")
def test_kubernetes_api_away(runners, cluster, go):
    here, there = go
    run = start(runners, "echo", number=1, until=there)
    until("its start", lambda: runners.running("echo", run))
    cluster.stop("kube-apiserver")
    try:
        late = start(runners, "echo_late", number=1)
        kept(runners, "echo_late", late, "PodNotCreated", "Kubernetes API not available")
        here.touch()
        assert ended(runners, "echo", run) == "success"  # what runs needs Airflow's API alone
        time.sleep(8)  # a look for orphans, which comes every 5 s, and for pods that are done
        assert runners.alive()
    finally:
        cluster.start("kube-apiserver")
    assert ended(runners, "echo_late", late) == "success"
    assert attempts(runners, "echo", run) == [(0, 1)]


@pytest.mark.usefixtures("alone")
def test_a_scheduler_dies_while_pods_run(runners, go):
    here, there = go
    run = start(runners, "echo", number=3, until=there)
    until("their start", lambda: runners.running("echo", run) == 3)
    runners.airflow.kill("scheduler-1")
    runners.airflow.start("scheduler-1")
    here.touch()
    assert ended(runners, "echo", run) == "success"
    assert attempts(runners, "echo", run) == [(0, 1), (1, 1), (2, 1)]


@pytest.mark.usefixtures("alone")
def test_cancel_takes_running_pods(runners):
    run = start(runners, "echo", number=2, until=f"{DATA}/never")
    until("their start", lambda: runners.running("echo", run) == 2)
    runners.airflow.api.cancel("echo", run)
    runners.none_left(60)


@pytest.mark.usefixtures("alone")
def test_a_node_that_is_gone(runners, cluster, go):
    here, there = go
    run = start(runners, "echo", number=1, until=there)
    pod = running(runners, "echo", run)
    cluster.stop("kubelet")
    cluster.kill_container(pod.metadata.name, NAMESPACE)
    try:
        message = until("a reason", lambda: logged(runners, "echo", run, "PodEvicted"), 180)
        assert "node" in message.lower()
    finally:
        cluster.start("kubelet")
    here.touch()
    assert ended(runners, "echo", run, 240) == "success"
    assert attempts(runners, "echo", run) == [(0, 2)]
