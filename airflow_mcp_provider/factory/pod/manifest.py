"""The manifest of a pod from the spec's ``pod``: plain data with the fields of the Kubernetes API.

The installation's pod template and the plugin (labels, safe defaults) add the other fields. Airflow merges the manifest
over the template: single values replace those of the template, volumes, mounts and variables are appended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_mcp_provider.spec import Pod, Secret, Volume

CONTAINER = "base"
"""Airflow's name of the container that runs a task."""
OF_THE_POD = frozenset({"fsGroup", "fsGroupChangePolicy", "supplementalGroups", "supplementalGroupsPolicy", "sysctls"})
"""The fields that only the security context of a pod has; the others are set at the container."""
STORAGE = "ephemeral-storage"


def manifest(pod: Pod, *, work: bool) -> dict[str, Any]:
    """Return ``{"metadata": …, "spec": …}`` of a pod.

    ``work``: whether the pod runs a subtask; only then it gets the resources.
    """
    context = pod.security_context or {}
    container = _kept(
        name=CONTAINER,
        image=pod.image,
        imagePullPolicy=pod.pull_policy,
        env=[*_variables(pod)],
        envFrom=[{"secretRef": {"name": one.name}} for one in pod.secrets if not (one.env or one.path)],
        volumeMounts=[mount for _, mount in _volumes(pod)],
        resources=_resources(pod) if work else {},
        securityContext={key: value for key, value in context.items() if key not in OF_THE_POD},
    )
    spec = _kept(
        containers=[container],
        imagePullSecrets=[{"name": name} for name in pod.pull_secrets],
        volumes=[volume for volume, _ in _volumes(pod)],
        serviceAccountName=pod.service_account,
        automountServiceAccountToken=pod.service_account_token or None,
        nodeSelector=dict(pod.node_selector),
        tolerations=[dict(one) for one in pod.tolerations],
        affinity=pod.affinity,
        priorityClassName=pod.priority_class,
        securityContext={key: value for key, value in context.items() if key in OF_THE_POD},
    )
    metadata = _kept(labels=dict(pod.labels), annotations=dict(pod.annotations))
    merged: dict[str, Any] = over({"metadata": metadata, "spec": spec}, pod.override or {})
    return merged


def over(base: Any, top: Any, key: str = "") -> Any:  # noqa: ANN401 - any part of a manifest
    """Return ``top`` merged over ``base``: mappings by key, containers by index, other values are replaced."""
    if isinstance(base, Mapping) and isinstance(top, Mapping):
        return {**base, **{name: over(base.get(name), value, name) for name, value in top.items()}}
    if key == "containers" and isinstance(base, list) and isinstance(top, list):
        pairs = zip(base, top, strict=False)
        return [*(over(one, other) for one, other in pairs), *base[len(top) :], *top[len(base) :]]
    return top


def _kept(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value not in ({}, [])}


def _variables(pod: Pod) -> Iterator[dict[str, Any]]:
    yield from ({"name": name, "value": value} for name, value in pod.env.items())
    for secret in pod.secrets:
        if secret.env:
            key = {"name": secret.name, "key": secret.key}
            yield {"name": secret.env, "valueFrom": {"secretKeyRef": key}}


def _resources(pod: Pod) -> dict[str, Any]:
    storage = {STORAGE: pod.ephemeral_storage} if pod.ephemeral_storage else {}
    return _kept(requests={**storage, **pod.resources.requests}, limits={**storage, **pod.resources.limits})


def _volumes(pod: Pod) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for number, secret in enumerate(one for one in pod.secrets if one.path):
        name = f"mcp-secret-{number}"
        yield {"name": name, **_files(secret)}, {"name": name, "mountPath": secret.path, "readOnly": True}
    for number, one in enumerate(pod.volumes):
        name = f"mcp-volume-{number}"
        mount = _kept(name=name, mountPath=one.path, subPath=one.sub_path, readOnly=one.read_only or None)
        yield {"name": name, **_source(one)}, mount


def _files(secret: Secret) -> dict[str, Any]:
    items = {"items": [{"key": secret.key, "path": secret.key}]} if secret.key else {}
    return {"secret": {"secretName": secret.name, **items}}


def _source(volume: Volume) -> dict[str, Any]:
    if volume.claim:
        return {"persistentVolumeClaim": {"claimName": volume.claim}}
    if volume.config_map:
        return {"configMap": {"name": volume.config_map}}
    return {"emptyDir": {"sizeLimit": volume.empty}} if volume.empty else {"hostPath": {"path": volume.host_path}}
