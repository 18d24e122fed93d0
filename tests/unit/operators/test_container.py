"""The pod of a container, as Kubernetes' models take it; its log over connections that break; and who runs it."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from kubernetes.client.rest import ApiException

from airflow_mcp_provider.errors import InstallationError, InvalidPayload
from airflow_mcp_provider.factory.placement import of_container
from airflow_mcp_provider.factory.pod.models import wrong
from airflow_mcp_provider.operators.container import choice
from airflow_mcp_provider.operators.container.log import Log
from airflow_mcp_provider.operators.container.manifest import Runner, manifest, name_of, safe
from airflow_mcp_provider.runtime.container import container_request
from airflow_mcp_provider.spec import Pod, Timeouts, parse_subtask

RUNNER = Runner(
    "crawl-run-abc", "uid-1", "jobs", "airflow:3", "IfNotPresent", ("registry",),
    {"mcp/job": "crawl", "airflow-worker": "7", "kubernetes_executor": "True"}, {"run_id": "r", "other": "x"},
)  # fmt: skip


def made(container=None, pod=None, ooms=0, **timeouts):
    work = parse_subtask({"container": {"image": "tool:{v}", **(container or {})}})
    limits = Timeouts.model_validate(timeouts)
    told = of_container(work, Pod.model_validate(pod) if pod else None, limits)["container"]
    asked = container_request(
        work.container, {"v": 7, "url": "a b"}, {"MCP_SUBTASK": '{"url": "$(X)"}'}, limits, Path("/x/enqueue")
    )
    found = manifest(asked, told, ooms, RUNNER, "crawl-run-abc-1")
    assert list(wrong({part: found[part] for part in ("metadata", "spec")}, "V1Pod", ())) == []
    return found, found["spec"]["containers"][0]


def test_by_default_it_is_safe_and_belongs_to_its_runner():
    pod, work = made()
    assert (work["name"], work["image"]) == ("work", "tool:7")
    assert "command" not in work
    assert "args" not in work
    assert pod["metadata"]["ownerReferences"][0]["uid"] == "uid-1"
    assert pod["metadata"]["labels"] == {"mcp/job": "crawl"}  # else Airflow's executor took it for its own
    assert pod["metadata"]["annotations"]["run_id"] == "r"
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["restartPolicy"] == "Never"
    assert "activeDeadlineSeconds" not in pod["spec"]
    assert work["securityContext"] == {
        "capabilities": {"drop": ["ALL"]},
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    [sidecar] = pod["spec"]["initContainers"]
    assert (sidecar["image"], sidecar["restartPolicy"]) == ("airflow:3", "Always")
    assert sidecar["securityContext"]["runAsUser"] == os.getuid()


def test_a_pod_larger_than_kubernetes_keeps_is_refused():
    with pytest.raises(InvalidPayload, match=r"the container's pod has \d+ bytes .* expected at most 1000000"):
        made({"args": ["$" * 60_000] * 9})


def test_the_jobs_pod_shapes_it():
    pod, work = made(
        {"command": ["get", "{url}"], "args": ["-v"], "env": {"A": 1}, "user": 33},
        {
            "env": {"A": "pods", "B": 2},
            "resources": {"limits": {"memory": "64Mi", "cpu": 1}},
            "volumes": [{"path": "/data", "empty": "1Gi"}],
            "pull_secrets": ["own"],
            "labels": {"team": "web"},
            "override": {"spec": {"terminationGracePeriodSeconds": 99, "containers": [{"workingDir": "/data"}]}},
        },
        hard="5m",
    )
    assert (work["command"], work["args"], work["workingDir"]) == (["get", "a b"], ["-v"], "/data")
    env = {one["name"]: one["value"] for one in work["env"]}
    assert env == {
        "A": "1",
        "B": "2",
        "MCP_SUBTASK": '{"url": "$$(X)"}',  # which Kubernetes makes $(X) of
        "MCP_ENQUEUE": "/mcp/enqueue",
        "MCP_ENQUEUE_DIR": "/mcp/enqueue.d",
        "MCP_RESULT": "/mcp/result",
    }
    assert [one["mountPath"] for one in work["volumeMounts"]] == ["/data", "/mcp"]
    assert [one["name"] for one in pod["spec"]["imagePullSecrets"]] == ["own", "registry"]
    assert (pod["spec"]["terminationGracePeriodSeconds"], pod["spec"]["activeDeadlineSeconds"]) == (99, 960)
    assert (work["securityContext"]["runAsUser"], work["securityContext"]["runAsNonRoot"]) == (33, True)
    assert pod["metadata"]["labels"] == {"team": "web", "mcp/job": "crawl"}


def test_more_memory_after_it_ran_out():
    shape = {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi", "cpu": 1}}}
    shape["on_oom"] = {"memory": "x2", "max": "6Gi"}
    _, work = made(pod=shape, ooms=2)
    assert work["resources"] == {
        "requests": {"memory": str(4 << 30)},
        "limits": {"memory": str(6 << 30), "cpu": "1"},
    }
    assert made(pod=shape)[1]["resources"]["limits"]["memory"] == "2Gi"


def test_its_time_to_end():
    work = parse_subtask({"container": {"image": "a"}})
    both = Timeouts(soft=timedelta(minutes=1), hard=timedelta(minutes=3))
    assert container_request(work.container, {}, {}, both, Path("/x")).grace == 120
    assert container_request(work.container, {}, {}, Timeouts(), Path("/x")).grace == 30


@pytest.mark.parametrize("name", ["a" * 63, "a" * 49 + "-.b", "short"])
def test_names_are_names(name):
    made_of_it = name_of(name, "abc123")
    assert len(made_of_it) <= 57
    assert made_of_it.endswith(f"{name[0]}-abc123") or name == "short"


@pytest.mark.parametrize(
    ("text", "label"), [("manual__2026+00:00", "manual__2026_00_00"), ("-é/", ""), ("a" * 99, "a" * 63)]
)
def test_labels_are_labels(text, label):
    assert safe(text) == label


class Answer:
    def __init__(self, *chunks, broken=False):
        self.chunks, self.broken = chunks, broken

    def stream(self, _):
        yield from self.chunks
        if self.broken:
            raise ConnectionResetError

    def release_conn(self):
        pass


class Kubernetes:
    """Answers a container's log with what it is given, one by one."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def read_namespaced_pod_log(self, *_, follow, **asked):
        self.asked.append({"follow": follow, **asked})
        if not self.answers:
            raise ApiException(status=400)
        return self.answers.pop(0)


def lines(*answers):
    found = []
    log = Log(Kubernetes(*answers), ("pod", "jobs"), "work", found.append)
    for _ in answers:
        log._read(follow=True)
    return [line.decode() for line in found]


def test_a_log_that_breaks_is_read_on_without_a_line_twice():
    first = Answer(
        b"2026-01-01T00:00:00.1Z a\n2026-01-01T00:00:00.12Z b\n2026-01-01T00:00:0", b"0.12Z c\n2026-", broken=True
    )
    second = Answer(b"2026-01-01T00:00:00.1Z a\n2026-01-01T00:00:00.12Z b\n2026-01-01T00:00:00.12Z c\n")
    third = Answer(
        b"2026-01-01T00:00:00.12Z c\n2026-01-01T00:00:00.12Z d\n2026-01-01T00:00:01Z e 2026-01-01\n2026-01-01T00:00:02Z"
    )
    assert lines(first, second) == ["a", "b", "c"]
    assert lines(Answer(b"2026-01-01T00:00:00+09:00 x\n"), third) == ["x", "c", "d", "e 2026-01-01", ""]


def test_where_there_is_no_engine_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    task = type("TI", (), {"dag_id": "d", "run_id": "r", "task_id": "run", "map_index": 0})
    shape = {"pod": {"metadata": {}, "spec": {"containers": [{"name": "base"}]}}}
    with pytest.raises(InstallationError, match=r"start Docker.*container_service_account") as raised:
        choice.engine(shape, task, "k", 0)
    assert "the program `docker` is not installed" in str(raised.value)


def test_what_a_docker_engine_keeps_of_a_pod():
    work = parse_subtask({"container": {"image": "a"}})
    pod = Pod.model_validate(
        {
            "env": {"A": 1},
            "secrets": [{"name": "s", "key": "k", "env": "B"}],
            "resources": {"limits": {"memory": "64Mi", "cpu": "500m"}},
            "pull_policy": "Always",
        }
    )
    found = choice.limits(of_container(work, pod, None)["container"]["pod"])
    assert (found.environment, found.pull) == ({"A": "1"}, True)
    assert found.options == ["--memory=67108864b", "--memory-swap=67108864b", "--cpus=0.500"]
