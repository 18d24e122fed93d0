"""The manifest of the pod of a container: plain data, with the field names of the Kubernetes API.

    sidecar  in the runner's image: owns the pipe and the result file, and copies their content to its log
    work     the job's container, configured by the job's ``pod:``

The pod is owned by the pod of the runner: Kubernetes deletes it when that one is deleted, for whatever reason.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime import pod_defaults, sidecar
from airflow_mcp_provider.runtime.container import FOLDER, RESULT_FILE, ContainerRequest
from airflow_mcp_provider.runtime.quantity import grown
from airflow_mcp_provider.spec.pod_names import RESERVED_PREFIX

WORK, SIDECAR = "work", "sidecar"
VOLUME = "mcp"
COPIED = ("dag_id", "task_id", "run_id", "map_index", "try_number", "mcp/instance")
"""Annotations copied from the runner's pod, for people and for the scheduler's cleanup (``plugin.pods``)."""
_NAME_CHARS = 50
_LABEL_CHARS = 63
_NO_LABEL = re.compile(r"[^A-Za-z0-9_.-]")
_NAME = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
_SIZE = "64Mi"
MAX_BYTES = 1_000_000
"""The limit for a pod: etcd accepts requests of 1.5 MB, and Kubernetes adds fields."""


@dataclass(frozen=True)
class Runner:
    """The pod of this runner: the fields that the pod of the work needs."""

    name: str
    uid: str
    namespace: str
    image: str
    pull_policy: str
    pull_secrets: tuple[str, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def manifest(
    request: ContainerRequest, settings: Mapping[str, Any], ooms: int, runner: Runner, name: str
) -> dict[str, Any]:
    """Return the manifest of the pod; for ``settings`` and ``ooms`` see ``operators.container.choice.engine``.

    Raises InvalidPayload when it is too large for a Kubernetes object.
    """
    own, spec = settings["pod"]["metadata"], dict(settings["pod"]["spec"])
    [given, *more] = spec["containers"]
    deadline = settings.get("hard")
    defaults: dict[str, Any] = {
        **pod_defaults.SPEC,
        "terminationGracePeriodSeconds": 10,
        **({"activeDeadlineSeconds": int(deadline + request.start) + 60} if deadline else {}),
    }
    secrets = dict.fromkeys([*(one["name"] for one in spec.get("imagePullSecrets", [])), *runner.pull_secrets])
    return _checked(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**own, **_metadata(own, runner), "name": name},
            "spec": {
                **defaults,
                **spec,
                "restartPolicy": "Never",
                "imagePullSecrets": [{"name": one} for one in secrets],
                "initContainers": [*spec.get("initContainers", []), _sidecar(runner)],
                "containers": [_work(request, _grown(given, settings.get("memory"), ooms), spec), *more],
                "volumes": [*spec.get("volumes", []), {"name": VOLUME, "emptyDir": {"sizeLimit": _SIZE}}],
            },
        }
    )


def _checked(pod: dict[str, Any]) -> dict[str, Any]:
    """Check the size: Kubernetes rejects a larger pod with an error of etcd, and a retry would not help."""
    if (size := len(json.dumps(pod))) > MAX_BYTES:
        raise InvalidPayload(
            f"the manifest of the container's pod has {size} bytes with its arguments and environment variables; "
            f"expected at most {MAX_BYTES}: put the data in an object store and pass its URL"
        )
    return pod


def name_of(runner: str, random: str) -> str:
    """Return a pod name that starts with the name of the runner's pod."""
    return f"{runner[:_NAME_CHARS].rstrip('-.')}-{random}"


def safe(text: str) -> str:
    """Return ``text`` changed to a valid label value."""
    return _NO_LABEL.sub("_", text)[:_LABEL_CHARS].strip("-_.")


def _metadata(own: Mapping[str, Any], runner: Runner) -> dict[str, Any]:
    labels = {name: value for name, value in runner.labels.items() if name.startswith(RESERVED_PREFIX)}
    annotations = {name: value for name, value in runner.annotations.items() if name in COPIED}
    return {
        "labels": {**own.get("labels", {}), **labels},
        "annotations": {**pod_defaults.ANNOTATIONS, **own.get("annotations", {}), **annotations},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": runner.name, "uid": runner.uid}],
    }


def _sidecar(runner: Runner) -> dict[str, Any]:
    python = [sys.executable, "-I", "-S", "-c"]  # without site-packages, so it starts in a few milliseconds
    there = f"import os; os.stat('{FOLDER}/{RESULT_FILE}')"
    return {
        "name": SIDECAR,
        "image": runner.image,
        "imagePullPolicy": runner.pull_policy,
        "restartPolicy": "Always",  # makes it a sidecar container: it starts before the work, and ends after it
        "command": [*map(verbatim, (*python, inspect.getsource(sidecar), FOLDER))],
        "startupProbe": {"exec": {"command": [*python, there]}, "periodSeconds": 1, "failureThreshold": 60},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            **pod_defaults.security_context({}, {}),
            "runAsUser": os.getuid(),
            "readOnlyRootFilesystem": True,
        }
        | ({} if os.getuid() else {"runAsNonRoot": False}),
        "volumeMounts": [{"name": VOLUME, "mountPath": FOLDER}],
    }


def _work(request: ContainerRequest, given: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    env = [one for one in given.get("env", []) if one["name"] not in request.environment]
    context = dict(given.get("securityContext", {}))
    if request.user is not None:
        context |= {"runAsUser": request.user, "runAsNonRoot": request.user != 0}
    return {
        **given,
        "name": WORK,
        "image": request.image,
        **({"command": [*map(verbatim, request.command)]} if request.command is not None else {}),
        **({"args": [*map(verbatim, request.args)]} if request.args is not None else {}),
        "env": [*env, *_variables(request)],
        "securityContext": {**pod_defaults.security_context(context, spec.get("securityContext", {})), **context},
        "volumeMounts": [*given.get("volumeMounts", []), {"name": VOLUME, "mountPath": FOLDER}],
    }


def _variables(request: ContainerRequest) -> list[dict[str, str]]:
    """Leave out names that Kubernetes would reject; MCP_SUBTASK and MCP_PARAMS have their values."""
    return [
        {"name": name, "value": verbatim(value)} for name, value in request.environment.items() if _NAME.fullmatch(name)
    ]


def verbatim(text: str) -> str:
    """Escape ``text`` so that the container gets it unchanged.

    In command, args and values of environment variables Kubernetes replaces ``$(NAME)`` by the value of another
    variable, which may be a secret, and ``$$`` by ``$``. A Docker engine does neither.
    """
    return text.replace("$", "$$")


def _grown(container: Mapping[str, Any], more: Mapping[str, Any] | None, ooms: int) -> Mapping[str, Any]:
    """Multiply the memory once for each attempt that ran out of memory."""
    resources = container.get("resources", {})
    if more is None or not ooms:
        return container
    more_memory = {
        kind: {**amounts, "memory": grown(str(amounts["memory"]), more["factor"], more["max"], ooms)}
        for kind, amounts in resources.items()
        if "memory" in amounts
    }
    return {**container, "resources": {**resources, **more_memory}}
