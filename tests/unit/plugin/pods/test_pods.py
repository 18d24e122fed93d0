"""What the scheduler does to and says of pods: pure parts, on Kubernetes' own models."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from kubernetes.client import models
from kubernetes.client.rest import ApiException

from airflow_mcp_provider import policy
from airflow_mcp_provider.plugin.db.identity import TaskRef
from airflow_mcp_provider.plugin.pods.airflow_internals import WORKLOAD
from airflow_mcp_provider.plugin.pods.apply_defaults import set_defaults
from airflow_mcp_provider.plugin.pods.cleanup import PodCleanup
from airflow_mcp_provider.plugin.pods.identity import INSTANCE, Attempt, label
from airflow_mcp_provider.plugin.pods.memory_growth import grow
from airflow_mcp_provider.plugin.pods.recreate import COPIES, wanted
from airflow_mcp_provider.runtime.pod_reasons import LONGEST, reason, unreached
from airflow_mcp_provider.spec.marker import MoreMemory

NAMES = {"dag_id": "crawl", "run_id": "r", "task_id": "run", "map_index": "3", "try_number": "2"}
WHEN = datetime(2026, 1, 1, tzinfo=UTC).isoformat()


def pod(status=None, spec=None, **metadata):
    told = {
        "name": "p",
        "labels": {"kubernetes_executor": "True", "airflow-worker": "7"},
        "annotations": NAMES,
        **metadata,
    }
    container = {"name": "base", "image": "site:1", "resources": {"limits": {"memory": "64Mi"}}}
    made = {"metadata": told, "spec": {"containers": [container], **(spec or {})}, "status": status or {}}
    return PodGenerator.deserialize_model_dict(made)


def container(**state):
    return [{"name": "base", "image": "site:1", "imageID": "", "ready": False, "restartCount": 0, "state": state}]


def test_whose_pod_it_is():
    assert Attempt.of(pod()) == Attempt(TaskRef("crawl", "r", "run", 3), 2, "7", None)
    assert Attempt.of(pod(labels={})) is None
    assert Attempt.of(pod(annotations={"dag_id": "crawl"})) is None


@pytest.mark.parametrize("told", [{"try_number": "x"}, {"map_index": "1.5"}, {"map_index": ""}], ids=str)
def test_a_pod_that_somebody_else_wrote_is_nobodys(told):
    assert Attempt.of(pod(annotations={**NAMES, **told})) is None


@pytest.mark.parametrize("told", ["", "x", "7"])
def test_what_is_no_id_is_none(told):
    assert Attempt.of(pod(annotations={**NAMES, INSTANCE: told})).instance is None


class Refuses:
    """A Kubernetes that says no to each change."""

    def __init__(self, status):
        self.status = status

    def patch_namespaced_pod(self, *_):
        raise ApiException(status=self.status)


def test_one_pod_that_may_not_be_ended_does_not_keep_the_others():
    PodCleanup(Refuses(403)).end(pod())
    with pytest.raises(ApiException):
        PodCleanup(Refuses(503)).end(pod())


def test_a_wrong_number_of_copies_is_enough_of_them():
    made = pod({"phase": "Pending"}, annotations={**NAMES, COPIES: "x"})
    assert wanted(None, Attempt.of(made), made) is False


def test_what_the_last_word_of_a_runner_is():
    word = unreached("http://airflow/execution/", OSError("refused"))
    ended = container(terminated={"exitCode": 1, "reason": "Error", "message": word})
    found = reason(pod({"phase": "Failed", "containerStatuses": ended}), "MODIFIED")
    assert (found.type, found.message) == ("AirflowNotReached", word)


def test_our_start_stands_before_airflows():
    made = pod()
    made.spec.containers[0].args = ["python", "-m", WORKLOAD, "--json-string", '{"a": "-m"}']
    set_defaults(made, {}, None)
    assert made.spec.containers[0].args == [
        "python",
        "-m",
        "airflow_mcp_provider.start",
        WORKLOAD,
        "--json-string",
        '{"a": "-m"}',
    ]


def test_safe_defaults_where_nobody_says_otherwise():
    made = pod()
    set_defaults(made, {"mcp/job": "crawl"}, timedelta(minutes=20))
    assert made.metadata.labels["mcp/job"] == "crawl"
    assert made.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert (made.spec.automount_service_account_token, made.spec.enable_service_links) == (False, False)
    assert made.spec.active_deadline_seconds == 1200
    context = made.spec.containers[0].security_context
    assert (context.run_as_non_root, context.allow_privilege_escalation) == (True, False)
    assert context.capabilities.drop == ["ALL"]
    assert context.seccomp_profile.type == "RuntimeDefault"
    assert made.spec.containers[0].termination_message_policy == "FallbackToLogsOnError"


def test_what_is_said_stays():
    own = {
        "automountServiceAccountToken": True,
        "activeDeadlineSeconds": 5,
        "securityContext": {"runAsUser": 0, "seccompProfile": {"type": "Unconfined"}},
        "containers": [{"name": "base", "securityContext": {"privileged": True, "capabilities": {"add": ["X"]}}}],
    }
    made = pod(spec=own, annotations={**NAMES, "cluster-autoscaler.kubernetes.io/safe-to-evict": "true"})
    set_defaults(made, {}, timedelta(minutes=20))
    assert made.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "true"
    assert (made.spec.automount_service_account_token, made.spec.active_deadline_seconds) == (True, 5)
    context = made.spec.containers[0].security_context
    assert (context.run_as_non_root, context.allow_privilege_escalation, context.seccomp_profile) == (None, None, None)
    assert (context.capabilities.add, context.capabilities.drop) == (["X"], None)


@pytest.mark.parametrize(
    ("quantity", "factor", "most", "times", "bytes_"),
    [
        ("64Mi", 2, "1Gi", 1, 128 << 20),
        ("64Mi", 2, "1Gi", 3, 512 << 20),
        ("64Mi", 2, "200Mi", 3, 200 << 20),
        ("2Gi", 2, "1Gi", 1, 2 << 30),
        ("1G", 1.5, "8G", 2, 2_250_000_000),
    ],
)
def test_memory_grows_to_its_limit_and_never_shrinks(quantity, factor, most, times, bytes_):
    resources = models.V1ResourceRequirements(limits={"memory": quantity}, requests={"cpu": "1"})
    grow(resources, MoreMemory(factor, most), times)
    assert (resources.limits, resources.requests) == ({"memory": str(bytes_)}, {"cpu": "1"})


@pytest.mark.parametrize(
    ("event", "status", "more", "kind", "told"),
    [
        (
            "MODIFIED",
            {
                "phase": "Pending",
                "containerStatuses": container(waiting={"reason": "ErrImagePull", "message": "no such host"}),
            },
            {},
            "ImageNotPulled",
            "image site:1 cannot be pulled: ErrImagePull: no such host",
        ),
        (
            "MODIFIED",
            {
                "phase": "Pending",
                "containerStatuses": container(waiting={"reason": "CreateContainerConfigError", "message": "as root"}),
            },
            {},
            "PodNotStarted",
            "CreateContainerConfigError: as root",
        ),
        (
            "ADDED",
            {
                "phase": "Pending",
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
                ],
            },
            {},
            "PodNotScheduled",
            "Unschedulable: 0/1 nodes",
        ),
        (
            "MODIFIED",
            {"phase": "Failed", "reason": "Evicted", "message": "low on memory"},
            {},
            "PodEvicted",
            "Evicted: low on memory",
        ),
        (
            "MODIFIED",
            {"phase": "Failed", "containerStatuses": container(terminated={"exitCode": 137, "reason": "OOMKilled"})},
            {},
            "OutOfMemory",
            "the pod ran out of memory (OOMKilled); its limit is 64Mi",
        ),
        (
            "MODIFIED",
            {
                "phase": "Failed",
                "containerStatuses": container(
                    terminated={"exitCode": 1, "reason": "Error", "message": "ConnectError: refused\n"}
                ),
            },
            {},
            "RunnerFailed",
            "the pod ended with exit code 1 (Error); last lines of its log: ConnectError: refused",
        ),
        (
            "DELETED",
            {"phase": "Running"},
            {"deletionTimestamp": WHEN},
            "PodDeleted",
            "the pod was deleted while it was running, on node -",
        ),
        (
            "DELETED",
            {
                "phase": "Running",
                "conditions": [
                    {
                        "type": "DisruptionTarget",
                        "status": "True",
                        "reason": "DeletionByTaintManager",
                        "message": "node not ready",
                    }
                ],
            },
            {"deletionTimestamp": WHEN},
            "PodEvicted",
            "DeletionByTaintManager: node not ready",
        ),
        (
            "MODIFIED",
            {
                "phase": "Failed",
                "containerStatuses": container(terminated={"exitCode": 137, "reason": "ContainerStatusUnknown"}),
            },
            {"deletionTimestamp": WHEN},
            "PodDeleted",
            "the pod was deleted before it started, on node -",
        ),
        (
            "MODIFIED",
            {"phase": "Failed", "reason": "DeadlineExceeded", "message": "x"},
            {},
            "PodDeadline",
            "the pod exceeded activeDeadlineSeconds (None s)",
        ),
    ],
)
def test_the_reason(event, status, more, kind, told):
    found = reason(pod(status, **more), event)
    assert (found.type, found.message) == (kind, told)


@pytest.mark.parametrize(
    ("event", "status", "more"),
    [
        ("ADDED", {"phase": "Pending"}, {}),
        (
            "MODIFIED",
            {"phase": "Pending", "containerStatuses": container(waiting={"reason": "ContainerCreating"})},
            {},
        ),
        ("MODIFIED", {"phase": "Running"}, {"deletionTimestamp": WHEN}),
        ("MODIFIED", {"phase": "Succeeded"}, {}),
        ("DELETED", {"phase": "Succeeded"}, {"deletionTimestamp": WHEN}),
        ("DELETED", {"phase": "Running"}, {}),
    ],
)
def test_no_reason_where_nothing_is_wrong(event, status, more):
    assert reason(pod(status, **more), event) is None


def test_a_long_reason_is_cut():
    found = reason(pod({"phase": "Failed", "reason": "Evicted", "message": "x" * 5000}), "MODIFIED")
    assert LONGEST <= len(found.message) <= LONGEST + 3


def test_the_policy_leaves_other_pods_alone():
    other = pod(labels={"mcp/job": "crawl"})
    before = json.dumps(other.to_dict(), default=str)
    policy.pod_mutation_hook(other)
    assert json.dumps(other.to_dict(), default=str) == before


@pytest.mark.parametrize("key", [".", "/", "", "a", "a/b", "-x-", "ü", "x" * 300, "manual__2026-11-22T20:00:00+00:00"])
def test_any_key_becomes_a_label(key):
    assert re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?", label(key))
