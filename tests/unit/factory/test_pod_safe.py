"""What of a job's pod reaches beyond the pod is refused, wherever it stands, unless the installation says otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory.pod.build import problems, v1_pod
from airflow_mcp_provider.factory.pod.restrictions import SETTING, VALUES
from airflow_mcp_provider.provider_info import POD_OPTIONS
from airflow_mcp_provider.spec import Pod

SETTINGS = "AIRFLOW__MCP__POD_OVERRIDE"
ACCOUNT = "airflow-containers"
OF_CONTAINERS = {
    "securityContext.privileged": {"securityContext": {"privileged": True}},
    "securityContext.allowPrivilegeEscalation": {"securityContext": {"allowPrivilegeEscalation": True}},
    "securityContext.procMount": {"securityContext": {"procMount": "Unmasked"}},
    "securityContext.capabilities.add": {"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE", "CHOWN"]}}},
    "securityContext.seccompProfile.type": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
    "securityContext.appArmorProfile.type": {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}},
    "securityContext.seLinuxOptions": {"securityContext": {"seLinuxOptions": {"type": "spc_t"}}},
    "securityContext.windowsOptions.hostProcess": {"securityContext": {"windowsOptions": {"hostProcess": True}}},
    "ports.0.hostPort": {"ports": [{"containerPort": 80, "hostPort": 80}]},
    "livenessProbe.httpGet.host": {"livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}},
    "readinessProbe.tcpSocket.host": {"readinessProbe": {"tcpSocket": {"host": "127.0.0.1", "port": 80}}},
    "lifecycle.preStop.httpGet.host": {"lifecycle": {"preStop": {"httpGet": {"host": "a", "port": 80}}}},
}
OF_PODS = {
    "hostNetwork": {"hostNetwork": True},
    "hostPID": {"hostPID": True},
    "hostIPC": {"hostIPC": True},
    "nodeName": {"nodeName": "control-plane"},
    "serviceAccountName": {"serviceAccountName": ACCOUNT},
    "serviceAccount": {"serviceAccount": ACCOUNT},
    "priorityClassName": {"priorityClassName": "system-node-critical"},
    "volumes.0.hostPath": {"volumes": [{"name": "x", "hostPath": {"path": "/"}}]},
    "volumes.0.nfs": {"volumes": [{"name": "x", "nfs": {"server": "a", "path": "/"}}]},
    "volumes.0.projected.sources.0.serviceAccountToken": {
        "volumes": [{"name": "x", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]
    },
    "securityContext.sysctls.0": {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
    "securityContext.seccompProfile.type": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
}
APPARMOR = "container.apparmor.security.beta.kubernetes.io/base"
FIELDS = {
    f"annotations.{APPARMOR}": {"annotations": {APPARMOR: "unconfined"}},
    f"override.metadata.annotations.{APPARMOR}": {"override": {"metadata": {"annotations": {APPARMOR: "unconfined"}}}},
    "volumes.0.host_path": {"volumes": [{"path": "/x", "host_path": "/"}]},
    "service_account": {"service_account": ACCOUNT, "service_account_token": True},
    "priority_class": {"priority_class": "system-cluster-critical"},
    "security_context.privileged": {"security_context": {"privileged": True}},
    "security_context.sysctls.0": {"security_context": {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}},
}


def told(pod):
    return [str(problem) for problem in problems(Pod.model_validate(pod))]


CASES = {
    **{f"override.spec.{path}": {"override": {"spec": spec}} for path, spec in OF_PODS.items()},
    **{
        f"override.spec.{kind}.0.{path}": {"override": {"spec": {kind: [{"name": "x", **container}]}}}
        for kind in ("containers", "initContainers")
        for path, container in OF_CONTAINERS.items()
    },
    **FIELDS,
}


@pytest.mark.parametrize("path", CASES)
def test_it_is_refused_where_it_stands(path, monkeypatch):
    assert [one.partition(":")[0] for one in told(CASES[path])] == [f"pod.{path}"]
    assert SETTING in told(CASES[path])[0]
    with pytest.raises(SpecError):
        v1_pod(Pod.model_validate(CASES[path]), work=True)
    monkeypatch.setenv(SETTINGS, "any")
    assert told(CASES[path]) == []
    monkeypatch.setenv(SETTINGS, "off")
    assert told(CASES[path])


@pytest.mark.parametrize(
    "pod",
    [
        {"security_context": {"runAsNonRoot": False, "runAsUser": 0, "fsGroup": 0}},
        {"security_context": {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}},
        {"service_account": "own", "service_account_token": True, "priority_class": "low"},
        {"volumes": [{"path": "/a", "claim": "a"}, {"path": "/b", "config_map": "b"}, {"path": "/c", "empty": "1Gi"}]},
        {"override": {"spec": {"hostNetwork": False, "securityContext": {"seccompProfile": {"type": "Localhost"}}}}},
        {"override": {"spec": {"volumes": [{"name": "x", "csi": {"driver": "a"}}], "dnsPolicy": "Default"}}},
        {"override": {"spec": {"containers": [{"ports": [{"containerPort": 80}], "securityContext": {}}]}}},
        {"override": {"metadata": {"labels": {"app": "x"}}, "spec": {}}},
        {
            "annotations": {APPARMOR: "runtime/default"},
            "override": {"metadata": {"annotations": {APPARMOR: "localhost/a"}}},
        },
        {"override": {"spec": {"containers": [{"livenessProbe": {"httpGet": {"port": 80}}, "lifecycle": {}}]}}},
        {"override": {"spec": {"volumes": [{"name": "x", "emptyDir": {}, "hostPath": None}]}}},
        {"override": {"spec": {"containers": [{"securityContext": None, "ports": None}], "volumes": None}}},
    ],
    ids=json.dumps,
)
def test_what_stays_in_the_pod_is_taken(pod):
    assert told(pod) == []


@pytest.mark.parametrize(
    ("path", "spec"),
    [
        ("containers.0", {"containers": [None]}),
        ("initContainers.0", {"initContainers": [None]}),
        ("volumes.0", {"volumes": [None]}),
        ("containers.0.ports.0", {"containers": [{"ports": [None]}]}),
        ("volumes.0.projected.sources.0", {"volumes": [{"name": "x", "projected": {"sources": [None]}}]}),
        ("securityContext.sysctls.0", {"securityContext": {"sysctls": [None]}}),
    ],
)
def test_a_list_has_no_empty_places(path, spec):
    assert told({"override": {"spec": spec}}) == [
        f"pod.override.spec.{path}: invalid value null; expected a value other than null"
    ]


def test_without_override_only_the_fields_are_left(monkeypatch):
    monkeypatch.setenv(SETTINGS, "off")
    assert told({"override": {"spec": {"dnsPolicy": "Default"}}}) == [
        f"pod.override: unsupported in this installation: {SETTING} is off"
    ]
    assert told({"image": "a"}) == []


def test_a_wrong_setting_takes_nothing(monkeypatch):
    monkeypatch.setenv(SETTINGS, "sfae")
    assert told({"image": "a"}) == [f'pod: invalid value of {SETTING}: "sfae"; expected one of safe, any, off']


def test_the_setting_is_documented():
    assert POD_OPTIONS["pod_override"]["default"] == VALUES[0]
    page = (Path(__file__).parents[3] / "docs/kubernetes.md").read_text()
    assert all(f"`{value}`" in page for value in ("[mcp] pod_override", *VALUES))
