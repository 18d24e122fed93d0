"""helm-values/runners.yaml on a real cluster: who may do what there, and which pods it takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from kubernetes.client.rest import ApiException

from airflow_mcp_provider.factory.placement import of_container
from airflow_mcp_provider.operators.container.manifest import Runner, manifest
from airflow_mcp_provider.runtime.container import container_request
from airflow_mcp_provider.spec import Timeouts, parse_subtask
from tests.containers.engine import ROOT
from tests.kubernetes.pods import until

VALUES = ROOT / "helm-values"
AIRFLOW = "test-keys"
SPACE = f"{AIRFLOW}-runners"


@pytest.fixture(scope="module")
def core(cluster):
    """The namespaces of Airflow and of its runners, under other names; what is made there is only looked at."""
    text = (VALUES / "runners.yaml").read_text()
    text = text.replace("airflow-runners", SPACE).replace("namespace: airflow}", f"namespace: {AIRFLOW}}}")
    client = cluster.client()
    client.create_namespace({"metadata": {"name": AIRFLOW}})
    try:
        cluster.kubectl("apply", "--filename", "-", given=text)
        cluster.kubectl("apply", "--namespace", SPACE, "--filename", str(VALUES / "containers.yaml"))
        yield client
    finally:
        for name in (AIRFLOW, SPACE):
            cluster.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


@pytest.mark.parametrize(
    ("account", "verb", "what", "where", "allowed"),
    [
        ("airflow-scheduler", "create", "pods", SPACE, True),
        ("airflow-scheduler", "delete", "pods", SPACE, True),
        ("airflow-scheduler", "delete", "pods", AIRFLOW, False),
        ("airflow-scheduler", "create", "pods/exec", SPACE, False),
        ("airflow-scheduler", "get", "secrets", SPACE, False),
        ("airflow-api-server", "get", "pods/log", SPACE, True),
        ("airflow-api-server", "delete", "pods", SPACE, False),
        (f"{SPACE}:airflow-containers", "delete", "pods", SPACE, True),
        (f"{SPACE}:airflow-containers", "delete", "pods", AIRFLOW, False),
        (f"{SPACE}:airflow-containers", "create", "pods", AIRFLOW, False),
        (f"{SPACE}:airflow-containers", "get", "secrets", SPACE, False),
        (f"{SPACE}:airflow-worker", "get", "pods", SPACE, False),
    ],
)
def test_who_may_do_what(core, cluster, account, verb, what, where, allowed):
    name = account if ":" in account else f"{AIRFLOW}:{account}"
    if allowed:  # a role is effective some moments after it was made
        until(lambda: may(cluster, name, verb, what, where), lambda: "it is not allowed")
    assert may(cluster, name, verb, what, where) is allowed


def may(cluster, name, verb, what, where):
    what, _, part = what.partition("/")
    asked = ("auth", "can-i", verb, what, f"--subresource={part}", f"--as=system:serviceaccount:{name}")
    try:
        return cluster.kubectl("--namespace", where, *asked).strip() == "yes"
    except RuntimeError:  # how kubectl says no
        return False


def runner():
    """The pod template, its places filled with a word."""
    pod = yaml.safe_load(re.sub(r"\{\{[^}]*\}\}", "airflow-worker", (VALUES / "pod_template.yaml").read_text()))
    pod["spec"]["containers"][0]["imagePullPolicy"] = "Never"
    return pod


def container():
    work = parse_subtask({"container": {"image": "a"}})
    asked = container_request(work.container, {}, {}, Timeouts(), Path("/x/enqueue"))
    own = Runner("runner", "6e1b2b6e-0000-4000-8000-000000000000", SPACE, "airflow:3", "Never", (), {}, {})
    return manifest(asked, of_container(work, None, None)["container"], 0, own, "work")


@pytest.mark.parametrize("pod", [runner(), container()], ids=["runner", "container"])
def test_pods_as_we_make_them_are_taken(core, pod):
    core.create_namespaced_pod(SPACE, as_user(pod), dry_run="All")


@pytest.mark.parametrize(
    "more",
    [
        {"hostNetwork": True},
        {"hostPID": True},
        {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]},
        {"containers": [{"name": "base", "image": "a", "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]},
    ],
    ids=str,
)
def test_pods_that_reach_beyond_are_refused_whoever_makes_them(core, more):
    pod = as_user(container())
    volumes = [*pod["spec"]["volumes"], *more.get("volumes", [])]
    pod["spec"] |= {"initContainers": [], **more, "volumes": volumes}
    with pytest.raises(ApiException) as raised:
        core.create_namespaced_pod(SPACE, pod, dry_run="All")
    assert "violates PodSecurity" in raised.value.body


def as_user(pod):
    """Airflow's user is not root; the one of this test is, and so would be the sidecar."""
    for one in pod["spec"].get("initContainers", []):
        one["securityContext"] |= {"runAsUser": 50000, "runAsNonRoot": True}
    return pod
