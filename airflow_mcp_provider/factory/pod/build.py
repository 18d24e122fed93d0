"""Build the ``V1Pod`` of a job's pod, checked with the models of the Kubernetes client.

Runs in the DAG processor, and in ``airflow mcp validate``.
"""

from __future__ import annotations

from collections.abc import Iterator

from airflow.configuration import conf
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from kubernetes.client.models import V1Pod

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.factory.pod.manifest import CONTAINER, OF_THE_POD, manifest
from airflow_mcp_provider.factory.pod.models import wrong
from airflow_mcp_provider.factory.pod.restrictions import refused
from airflow_mcp_provider.operators.container.choice import POD
from airflow_mcp_provider.spec import Pod
from airflow_mcp_provider.spec.faults import Path, dotted, shown

PARTS = ("metadata", "spec")


def v1_pod(pod: Pod, *, work: bool) -> V1Pod:
    """Return the ``V1Pod`` that the KubernetesExecutor merges over its pod template.

    ``work``: whether the pod runs a subtask, which gets the resources. Raises SpecError with all ``problems`` of
    ``pod``.
    """
    if found := problems(pod):
        raise SpecError("\n".join(map(str, found)), problems=found)
    return PodGenerator.deserialize_model_dict(manifest(pod, work=work))


def of_containers_runner() -> V1Pod:
    """Return the ``V1Pod`` for a runner that creates the pod of a container, with its service account.

    The job's ``pod`` applies to the container's pod. The runner's pod runs only code of this package, so that no work
    has the permissions of its service account.
    """
    account = conf.get("mcp", "container_service_account", fallback="")
    name = {"name": POD, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    spec = {
        **({"serviceAccountName": account} if account else {}),
        "automountServiceAccountToken": True,
        "containers": [{"name": CONTAINER, "env": [name]}],
    }
    return PodGenerator.deserialize_model_dict({"metadata": {}, "spec": spec})


def problems(pod: Pod) -> tuple[Problem, ...]:
    """Return what Kubernetes would reject, ignore or misread in ``pod``, else what this installation does not allow."""
    return tuple(_free_form(pod)) or tuple(_override(pod)) or tuple(refused(pod))


def _free_form(pod: Pod) -> Iterator[Problem]:
    context = pod.security_context or {}
    container = {key: value for key, value in context.items() if key not in OF_THE_POD}
    of_pod = {key: value for key, value in context.items() if key in OF_THE_POD}
    yield from wrong(container, "V1SecurityContext", ("pod", "security_context"))
    yield from wrong(of_pod, "V1PodSecurityContext", ("pod", "security_context"))
    yield from wrong(list(pod.tolerations), "list[V1Toleration]", ("pod", "tolerations"))
    yield from wrong(pod.affinity, "V1Affinity", ("pod", "affinity"))


def _override(pod: Pod) -> Iterator[Problem]:
    path: Path = ("pod", "override")
    for key in pod.override or {}:
        if key not in PARTS:
            expected = f"one of {', '.join(PARTS)}"
            yield Problem("unsupported key", dotted((*path, key)), given=shown(key), expected=expected)
    merged = manifest(pod, work=True)  # the override alone may lack required fields
    yield from wrong({part: merged[part] for part in PARTS}, "V1Pod", path) if pod.override else ()
