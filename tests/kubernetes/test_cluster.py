"""The cluster of the tests does what any Kubernetes does, and what tests ask of it beyond that."""

import http.server
import threading
from contextlib import contextmanager, suppress

import pytest
from kubernetes import client
from kubernetes.client.rest import ApiException

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.cluster.node import KERNEL
from tests.kubernetes.pods import until

FOREVER = "sleep 1000"
KILLED = 137
NODE = "node"


@contextmanager
def served(host):
    """A web server of this machine at an address that pods reach; gives its port."""
    with http.server.ThreadingHTTPServer((host, 0), http.server.SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def is_ready(node):
    return next(each.status for each in node.status.conditions if each.type == "Ready") == "True"


def test_every_node_is_ready(pods):
    nodes = pods.core.list_node().items
    assert nodes
    assert all(is_ready(node) for node in nodes)


def test_a_pod_runs_to_its_end(pods):
    pods.run("short", "echo done by $(id -u)")
    assert pods.ended("short").exit_code == 0
    assert pods.log("short") == "done by 0\n"


def test_a_pod_is_deleted_while_it_runs(pods):
    pods.run("long", FOREVER)
    pods.wait("long", "Running")
    pods.core.delete_namespaced_pod("long", pods.namespace)
    pods.wait("long", "Gone")


def test_a_pod_that_takes_more_memory_than_its_limit_is_killed(pods):
    pods.run("hog", "exec tail /dev/zero", container={"resources": {"limits": {"memory": "32Mi"}}})
    end = pods.ended("hog")
    assert (end.reason, end.exit_code) == ("OOMKilled", KILLED)


def test_a_container_is_killed_from_outside(cluster, pods):
    pods.run("victim", FOREVER)
    pods.wait("victim", "Running")
    cluster.kill_container("victim", pods.namespace)
    end = pods.ended("victim")
    assert (end.reason, end.exit_code) == ("Error", KILLED)


def test_a_process_that_has_ended_is_not_killed(cluster):
    if not isinstance(cluster, Cluster):
        pytest.skip("the given cluster runs elsewhere")
    ended = int(cluster._node.run("sh", "-c", "echo $$"))
    with pytest.raises(ProcessLookupError, match=f"the process {ended} has ended"):
        cluster._node.kill(ended)


def test_a_pod_that_fits_no_node_waits_and_says_why(pods):
    pods.run("nowhere", FOREVER, nodeSelector={"no": "such-node"})
    until(lambda: pods.get("nowhere").status.conditions, lambda: "the scheduler does not say a word")
    condition = pods.get("nowhere").status.conditions[0]
    assert (condition.type, condition.reason) == ("PodScheduled", "Unschedulable")
    assert pods.phase("nowhere") == "Pending"


def test_an_image_that_does_not_exist_is_told(pods):
    pods.run("nothing", FOREVER, container={"image": "localhost/no-such-image:1"})

    def reason():
        statuses = pods.get("nothing").status.container_statuses
        return statuses and statuses[0].state.waiting.reason

    until(lambda: reason() == "ErrImageNeverPull", lambda: f"the kubelet says {reason()}")


def test_a_pod_reaches_this_machine_and_nothing_behind_it(cluster, pods):
    with served(cluster.host) as port:
        pods.run("client", f"wget -q -O /dev/null http://{cluster.host}:{port}/ && echo reached")
        assert pods.ended("client").exit_code == 0
    if isinstance(cluster, Cluster):
        pods.run("outside", "wget -q -T 3 -O /dev/null http://192.0.2.1/")
        assert pods.ended("outside").exit_code != 0


def test_a_service_is_reached_by_its_name_from_pods_and_by_its_address_from_here(cluster, pods):
    pods.run("web", "echo hello > /tmp/index.html && exec httpd -f -p 8080 -h /tmp")
    service = {
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    pods.core.create_namespaced_service(pods.namespace, service)
    full = f"web.{pods.namespace}.svc.cluster.local"
    # A pod that runs is not yet behind its service.
    pods.run(
        "client",
        f"until wget -q -O - http://web; do sleep 0.2; done; wget -q -O - http://{full}; nslookup no.such.name || true",
    )
    assert pods.ended("client").exit_code == 0
    assert pods.log("client").count("hello") == 2
    assert "NXDOMAIN" in pods.log("client")


def test_a_quota_refuses_what_is_too_much(pods):
    pods.core.create_namespaced_resource_quota(
        pods.namespace, {"metadata": {"name": "one"}, "spec": {"hard": {"pods": "1"}}}
    )
    counted = lambda: pods.core.read_namespaced_resource_quota("one", pods.namespace).status.used  # noqa: E731 - once
    until(counted, lambda: "the quota is not counted")
    pods.run("first", FOREVER)
    with pytest.raises(ApiException, match="exceeded quota"):
        pods.run("second", FOREVER)


def test_a_service_account_may_do_what_it_is_bound_to_and_no_more(cluster, pods):
    pods.core.create_namespaced_service_account(pods.namespace, {"metadata": {"name": "reader"}})
    token = pods.core.create_namespaced_service_account_token("reader", pods.namespace, {"spec": {}}).status.token
    asked = client.Configuration()
    asked.host, asked.ssl_ca_cert = (
        pods.core.api_client.configuration.host,
        pods.core.api_client.configuration.ssl_ca_cert,
    )
    asked.api_key = {"authorization": f"Bearer {token}"}
    reader = client.CoreV1Api(client.ApiClient(asked))
    with pytest.raises(ApiException, match="Forbidden"):
        reader.list_namespaced_pod(pods.namespace)

    def may_list():
        with suppress(ApiException):
            return bool(reader.list_namespaced_pod(pods.namespace))

    place = ("--namespace", pods.namespace)
    cluster.kubectl("create", "role", "readers", "--verb=list", "--resource=pods", *place)
    cluster.kubectl(
        "create", "rolebinding", "readers", "--role=readers", f"--serviceaccount={pods.namespace}:reader", *place
    )
    until(may_list, lambda: "the role is not effective")
    assert reader.list_namespaced_pod(pods.namespace).items == []
    with pytest.raises(ApiException, match="Forbidden"):
        reader.delete_collection_namespaced_pod(pods.namespace)


def test_a_pod_has_the_token_of_its_service_account(pods):
    pods.run("with", "cat /var/run/secrets/kubernetes.io/serviceaccount/token")
    pods.run("without", "ls /var/run/secrets", automountServiceAccountToken=False)
    assert pods.ended("with").exit_code == 0
    assert pods.log("with").count(".") == 2  # header, payload, signature
    assert pods.ended("without").exit_code != 0


def test_without_a_kubelet_the_node_is_gone_and_its_pods_are_evicted(cluster, pods):
    pods.run("lost", FOREVER)
    pods.wait("lost", "Running")
    cluster.stop("kubelet")
    try:
        until(lambda: not is_ready(pods.core.read_node(NODE)), lambda: "nobody notices that the node is gone")
        until(lambda: pods.get("lost").metadata.deletion_timestamp, lambda: "the pod is not evicted")
    finally:
        cluster.start("kubelet")
        cluster.wait()
    pods.wait("lost", "Gone")


def test_pods_run_on_while_the_api_server_is_away(cluster, pods):
    pods.run("steady", FOREVER)
    pods.wait("steady", "Running")
    cluster.stop("kube-apiserver")
    try:
        with pytest.raises(Exception, match="Connection refused"):
            pods.get("steady")
    finally:
        cluster.start("kube-apiserver")
    assert pods.get("steady").status.container_statuses[0].restart_count == 0
    assert pods.phase("steady") == "Running"
    pods.run("next", "true")
    assert pods.ended("next").exit_code == 0


def test_the_kubelet_sets_nothing_of_the_machines_kernel(cluster):
    cluster.log("kubelet")  # else the node is not ours
    covered = set(cluster._node.run("cat", "/proc/self/mounts").split())
    assert {f"/proc/sys/{name}" for name in KERNEL} <= covered


def test_a_program_tells_what_it_does(cluster):
    assert "v1.34" in cluster.log("kubelet")
