"""The real object of a job's pod, checked against Kubernetes' models.

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
from airflow_mcp_provider.spec.faults import Path, dotted, sentence

PARTS = ("metadata", "spec")


def v1_pod(pod: Pod, *, work: bool) -> V1Pod:
    """Return what the executor merges over its pod template.

    Raises SpecError when the models refuse something; ``problems`` tells it with its paths.
    """
    if found := problems(pod):
        raise SpecError("\n".join(map(str, found)), problems=found)
    return PodGenerator.deserialize_model_dict(manifest(pod, work=work))


def of_containers_runner() -> V1Pod:
    """Return what is laid over the pod of a runner that makes another one: who it is to the cluster.

    The job's ``pod`` shapes the other one. This one runs our code alone, so that no work has its rights.
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
    """Return what of ``pod`` Kubernetes would refuse, drop or misread, else what this installation does not take."""
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
            yield Problem(
                sentence("is no part of a pod that can be set", allowed="metadata, spec"), dotted((*path, key))
            )
    merged = manifest(pod, work=True)  # the override alone lacks what it merges into
    yield from wrong({part: merged[part] for part in PARTS}, "V1Pod", path) if pod.override else ()
