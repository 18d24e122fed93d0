from __future__ import annotations

import json

import pytest
from airflow.sdk import get_parsing_context
from airflow.serialization.serialized_objects import DagSerialization
from kubernetes.client import ApiClient

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.factory.pod.build import v1_pod
from airflow_mcp_provider.spec import Pod, parse_job

JOB = "plan: {items: [1]}\nrun: {shell: x}\n"
FULL = """
image: a:1
pull_policy: Never
pull_secrets: [registry]
resources: {requests: {cpu: 0.5}, limits: {memory: 1Gi}}
ephemeral_storage: 2Gi
env: {A: 1}
secrets: [{name: db, key: password, env: P}, {name: tls, path: /etc/tls}, {name: one, key: k, path: /one}, {name: all}]
volumes: [{path: /data, claim: c, read_only: true}, {path: /var/x, empty: 1Gi}, {path: /c, config_map: m, sub_path: s}]
node_selector: {disk: ssd}
tolerations: [{key: gpu, operator: Exists}]
security_context: {runAsUser: 5, fsGroup: 6}
service_account: sa
service_account_token: true
priority_class: low
labels: {team: web}
annotations: {note: x}
override:
  metadata: {annotations: {note: y}}
  spec: {dnsPolicy: Default, containers: [{resources: {limits: {cpu: 2}}}, {name: side, image: b}]}
"""


def indented(pod: str) -> str:
    return JOB + "pod:\n" + "".join(f"  {line}\n" for line in pod.splitlines())


def manifest(pod: str, *, work: bool = True) -> dict:
    return ApiClient().sanitize_for_serialization(v1_pod(parse_job(indented(pod), id="job").pod, work=work))


def problems(pod: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        build_dag(parse_job(indented(pod), id="job"))
    return [str(problem) for problem in caught.value.problems]


def test_every_field_is_in_the_pod():
    pod = manifest(FULL)
    assert pod["metadata"] == {"labels": {"team": "web"}, "annotations": {"note": "y"}}
    spec, (base, side) = pod["spec"], pod["spec"]["containers"]
    assert (base["name"], base["image"], base["imagePullPolicy"]) == ("base", "a:1", "Never")
    assert base["resources"] == {
        "requests": {"cpu": "0.5", "ephemeral-storage": "2Gi"},
        "limits": {"memory": "1Gi", "ephemeral-storage": "2Gi", "cpu": "2"},
    }
    assert base["env"] == [
        {"name": "A", "value": "1"},
        {"name": "P", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
    ]
    assert base["envFrom"] == [{"secretRef": {"name": "all"}}]
    assert base["securityContext"] == {"runAsUser": 5}
    assert side == {"name": "side", "image": "b"}
    assert (spec["securityContext"], spec["serviceAccountName"]) == ({"fsGroup": 6}, "sa")
    assert (spec["automountServiceAccountToken"], spec["priorityClassName"]) == (True, "low")
    assert (spec["nodeSelector"], spec["dnsPolicy"]) == ({"disk": "ssd"}, "Default")
    assert spec["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert spec["imagePullSecrets"] == [{"name": "registry"}]


def test_every_mount_has_its_volume():
    spec = manifest(FULL)["spec"]
    mounts = {mount["mountPath"]: mount for mount in spec["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert {path: next(key for key in volumes[one["name"]] if key != "name") for path, one in mounts.items()} == {
        "/etc/tls": "secret",
        "/one": "secret",
        "/data": "persistentVolumeClaim",
        "/var/x": "emptyDir",
        "/c": "configMap",
    }
    assert mounts["/data"]["readOnly"] is mounts["/etc/tls"]["readOnly"] is True
    assert "readOnly" not in mounts["/var/x"]
    assert mounts["/c"]["subPath"] == "s"
    assert volumes[mounts["/one"]["name"]]["secret"] == {"secretName": "one", "items": [{"key": "k", "path": "k"}]}


def test_plan_and_report_get_the_pod_without_its_resources():
    base = manifest("{image: a:1, resources: {limits: {memory: 1Gi}}, ephemeral_storage: 2Gi}", work=False)
    assert base["spec"]["containers"] == [{"name": "base", "image": "a:1"}]


@pytest.mark.parametrize(
    ("pod", "told"),
    [
        (
            "{security_context: {runAsUser: root}}",
            'pod.security_context.runAsUser: invalid value "root"; expected an integer',
        ),
        ("{security_context: {runAs: 1}}", 'pod.security_context.runAs: unknown key "runAs" (did you mean runAsUser?)'),
        ("{security_context: {fsGroup: x}}", 'pod.security_context.fsGroup: invalid value "x"; expected an integer'),
        ("{tolerations: [{key: a, efect: x}]}", 'pod.tolerations.0.efect: unknown key "efect" (did you mean effect?)'),
        (
            "{affinity: {nodeAffinity: []}}",
            "pod.affinity.nodeAffinity: invalid value (an empty list); expected a mapping",
        ),
        ("{override: {spek: {}}}", 'pod.override.spek: unsupported key "spek"; expected one of metadata, spec'),
        (
            "{override: {spec: {hostNetwork: 1}}}",
            "pod.override.spec.hostNetwork: invalid value 1; expected true or false",
        ),
        (
            "{override: {spec: {containers: [{imagee: x}]}}}",
            'pod.override.spec.containers.0.imagee: unknown key "imagee" (did you mean image?)',
        ),
        (
            "{override: {spec: {containers: [{ports: [{}]}]}}}",
            "pod.override.spec.containers.0.ports.0: invalid V1ContainerPort: Invalid value for `container_port`",
        ),
    ],
)
def test_kubernetes_models_are_asked(pod, told):
    assert told in problems(pod)[0]


def test_a_secret_looking_value_is_not_told():
    assert "hunter2" not in " ".join(problems("{override: {spec: {password: hunter2, tokenX: {a: hunter2}}}}"))


def test_the_dag_carries_it_and_its_marker():
    spec = parse_job(
        JOB
        + "timeouts: {hard: 1h}\npod: {image: a, resources: {limits: {memory: 1Gi}}, on_oom: {memory: x2, max: 4Gi}}",
        id="job",
    )
    dag = build_dag(spec)
    run = dag.task_dict["run"].partial_kwargs["executor_config"]["pod_override"]
    plan = dag.task_dict["plan"].executor_config["pod_override"]
    assert run.spec.containers[0].resources.limits == {"memory": "1Gi"}
    assert (plan.spec.containers[0].image, plan.spec.containers[0].resources) == ("a", None)
    assert dag.default_args["mcp"] == {
        "priority": 0,
        "queue_timeout": None,
        "pods": {
            "run": {"deadline": 4200.0, "memory": {"factor": 2.0, "max": "4Gi"}},
            "plan": {"deadline": 4200.0},
            "report": {"deadline": 4200.0},
        },
    }
    assert json.dumps(DagSerialization.to_dict(dag), sort_keys=True) == json.dumps(
        DagSerialization.to_dict(build_dag(spec)), sort_keys=True
    )


def test_a_runner_builds_no_pod(monkeypatch):
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "job")
    assert get_parsing_context().dag_id == "job"
    dag = build_dag(parse_job(indented("{image: a}"), id="job"))
    assert dag.task_dict["plan"].executor_config == {}
    assert not dag.task_dict["run"].partial_kwargs["executor_config"]


def test_control_tasks_in_the_scheduler():
    dag = build_dag(parse_job(JOB + "control: local\npod: {image: a}", id="job"))
    assert [dag.task_dict[name].executor for name in ("plan", "report")] == ["LocalExecutor"] * 2
    assert dag.task_dict["plan"].executor_config == {}
    assert dag.task_dict["run"].partial_kwargs.get("executor") is None
    assert "executor_config" in dag.task_dict["run"].partial_kwargs


def test_the_python_twin_is_the_same_pod():
    assert v1_pod(Pod(image="a:1"), work=True) == v1_pod(parse_job(indented("{image: a:1}"), id="job").pod, work=True)
