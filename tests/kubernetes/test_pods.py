"""What a pod is given, by its job and by default; seen from inside and from outside."""

from __future__ import annotations

import yaml

from tests.kubernetes.runners import DATA, NAMESPACE, until

# What Airflow's official chart puts into every worker's environment, and a worker of Airflow 3 never needs.
SERVERS_OWN = ("SQL_ALCHEMY_CONN", "FERNET_KEY", "SECRET_KEY", "JWT_SECRET")


def made(cluster, kind, name, **content):
    manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **content}
    cluster.kubectl("apply", "-f", "-", given=yaml.safe_dump(manifest))


def test_everything_that_a_job_says_is_in_its_pod(runners, cluster):
    made(cluster, "Secret", "keys", stringData={"password": "not-told", "token": "nor-this"})
    made(cluster, "ConfigMap", "settings", data={"color": "blue"})
    api = runners.airflow.api
    api.wait_for_dag("all_pods")
    run = api.trigger("all_pods", {"until": f"{DATA}/all_pods"})
    pod = runners.pod_of(run)
    (runners.data / "all_pods").touch()
    assert pod.metadata.labels["team"] == "web"
    assert pod.spec.containers[0].resources.limits == {"memory": "1Gi"}
    assert pod.spec.active_deadline_seconds == 15 * 60
    assert api.wait("all_pods", run)["state"] == "success"
    assert runners.result("all_pods", run)["result"] == {
        "plain": "1",
        "password": len("not-told"),
        "files": ["password", "token"],
        "settings": "blue",
        "token": False,
        "uid": 50000,
        "root": False,
    }
    hosts = {one["task_id"]: one["hostname"] for one in api.task_instances("all_pods", run)}
    assert all(host.startswith("all-pods-") for host in hosts.values())  # plan and report are pods, too
    runners.none_left()


def test_safe_by_default_and_found_by_labels(runners, cluster):
    api = runners.airflow.api
    api.wait_for_dag("echo")
    run = api.trigger("echo", {"number": 1, "until": f"{DATA}/safe"})
    try:
        name = runners.pod_of(run, phase="Running").metadata.name
        [pod] = runners.pods(mcp_job="echo", mcp_subtask="0")
        assert pod.metadata.name == name
        context = pod.spec.containers[0].security_context
        assert (context.allow_privilege_escalation, context.read_only_root_filesystem) == (False, True)
        assert context.capabilities.drop == ["ALL"]
        assert pod.spec.automount_service_account_token is False
        assert pod.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
        assert pod.spec.active_deadline_seconds is None
        until("its start", lambda: runners.running("echo", run))
        inside = cluster.kubectl("--namespace", NAMESPACE, "exec", name, "--", "cat", "/proc/1/environ")
        assert "AIRFLOW__CORE__EXECUTION_API_SERVER_URL" in inside
        assert [secret for secret in SERVERS_OWN if secret in inside] == []
    finally:
        (runners.data / "safe").touch()
    assert api.wait("echo", run)["state"] == "success"
    runners.none_left()


def test_nothing_to_do_is_no_pod(runners, cluster):
    api = runners.airflow.api
    api.wait_for_dag("echo")
    run = api.trigger("echo", {"number": 0})
    assert api.wait("echo", run)["state"] == "success"
    assert runners.result("echo", run)["state"] == "nothing to do"
    hosts = {one["hostname"] for one in api.task_instances("echo", run) if one["hostname"]}
    assert not [host for host in hosts if host.startswith("echo-")]
