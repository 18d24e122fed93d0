"""The manifest of the pod that a container gets: plain data, in Kubernetes' own words.

    sidecar  in the runner's image: has the pipe and the result file, and tells of them in its log
    work     the job's container, shaped by the job's ``pod:``

The pod belongs to the runner's: Kubernetes removes it when that is gone, however it went.
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
from airflow_mcp_provider.runtime.container import FOLDER, RESULT_FILE, Order
from airflow_mcp_provider.runtime.quantity import grown
from airflow_mcp_provider.spec.pod_names import RESERVED_PREFIX

WORK, SIDECAR = "work", "sidecar"
VOLUME = "mcp"
TOLD = ("dag_id", "task_id", "run_id", "map_index", "try_number", "mcp/instance")
"""Annotations of a runner's pod, for people who look at this one, and for the scheduler's sweep (``plugin.pods``)."""
_NAME_CHARS = 50
_LABEL_CHARS = 63
_NO_LABEL = re.compile(r"[^A-Za-z0-9_.-]")
_NAME = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
_SIZE = "64Mi"
MAX_BYTES = 1_000_000
"""Of a pod: Kubernetes' database takes 1.5 MB an object, and adds to it."""


@dataclass(frozen=True)
class Runner:
    """The pod that this process runs in, as far as the work's takes after it."""

    name: str
    uid: str
    namespace: str
    image: str
    pull_policy: str
    pull_secrets: tuple[str, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def manifest(order: Order, told: Mapping[str, Any], ooms: int, runner: Runner, name: str) -> dict[str, Any]:
    """Return the pod; ``told`` is what the factory says, ``ooms`` how often its memory ran out.

    Raises InvalidPayload when it is larger than Kubernetes' objects may be.
    """
    own, spec = told["pod"]["metadata"], dict(told["pod"]["spec"])
    [given, *more] = spec["containers"]
    deadline = told.get("hard")
    defaults: dict[str, Any] = {
        **pod_defaults.SPEC,
        "terminationGracePeriodSeconds": 10,
        **({"activeDeadlineSeconds": int(deadline + order.start) + 60} if deadline else {}),
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
                "containers": [_work(order, _grown(given, told.get("memory"), ooms), spec), *more],
                "volumes": [*spec.get("volumes", []), {"name": VOLUME, "emptyDir": {"sizeLimit": _SIZE}}],
            },
        }
    )


def _checked(pod: dict[str, Any]) -> dict[str, Any]:
    """Kubernetes would refuse a larger one, at last in the words of its database; a second try would be no smaller."""
    if (size := len(json.dumps(pod))) > MAX_BYTES:
        raise InvalidPayload(
            f"the container's pod has {size} bytes with its arguments and variables, {MAX_BYTES} are allowed: put data "
            "in a store and pass its address"
        )
    return pod


def name_of(runner: str, random: str) -> str:
    """Return a name beside the runner's own."""
    return f"{runner[:_NAME_CHARS].rstrip('-.')}-{random}"


def safe(text: str) -> str:
    """Return ``text`` as a label may be."""
    return _NO_LABEL.sub("_", text)[:_LABEL_CHARS].strip("-_.")


def _metadata(own: Mapping[str, Any], runner: Runner) -> dict[str, Any]:
    labels = {name: value for name, value in runner.labels.items() if name.startswith(RESERVED_PREFIX)}
    annotations = {name: value for name, value in runner.annotations.items() if name in TOLD}
    return {
        "labels": {**own.get("labels", {}), **labels},
        "annotations": {**pod_defaults.ANNOTATIONS, **own.get("annotations", {}), **annotations},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": runner.name, "uid": runner.uid}],
    }


def _sidecar(runner: Runner) -> dict[str, Any]:
    python = [sys.executable, "-I", "-S", "-c"]  # a bare interpreter, there in a few milliseconds
    there = f"import os; os.stat('{FOLDER}/{RESULT_FILE}')"
    return {
        "name": SIDECAR,
        "image": runner.image,
        "imagePullPolicy": runner.pull_policy,
        "restartPolicy": "Always",  # what makes a sidecar of it: it is there before the work, and ends after it
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


def _work(order: Order, given: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    env = [one for one in given.get("env", []) if one["name"] not in order.environment]
    context = dict(given.get("securityContext", {}))
    if order.user is not None:
        context |= {"runAsUser": order.user, "runAsNonRoot": order.user != 0}
    return {
        **given,
        "name": WORK,
        "image": order.image,
        **({"command": [*map(verbatim, order.command)]} if order.command is not None else {}),
        **({"args": [*map(verbatim, order.args)]} if order.args is not None else {}),
        "env": [*env, *_told(order)],
        "securityContext": {**pod_defaults.security_context(context, spec.get("securityContext", {})), **context},
        "volumeMounts": [*given.get("volumeMounts", []), {"name": VOLUME, "mountPath": FOLDER}],
    }


def _told(order: Order) -> list[dict[str, str]]:
    """Kubernetes would refuse the pod for the name of a variable that is not plain: MCP_SUBTASK has its value."""
    return [
        {"name": name, "value": verbatim(value)} for name, value in order.environment.items() if _NAME.fullmatch(name)
    ]


def verbatim(text: str) -> str:
    """Return what arrives in the container as ``text``, be it data or the spec's own words.

    In command, args and values of variables Kubernetes puts the value of another variable, a secret's as well, in the
    place of ``$(NAME)``, and makes one dollar of ``$$``. A Docker engine does neither.
    """
    return text.replace("$", "$$")


def _grown(container: Mapping[str, Any], more: Mapping[str, Any] | None, ooms: int) -> Mapping[str, Any]:
    """Multiply the memory, for each of the times that it was too little."""
    resources = container.get("resources", {})
    if more is None or not ooms:
        return container
    more_memory = {
        kind: {**amounts, "memory": grown(str(amounts["memory"]), more["factor"], more["max"], ooms)}
        for kind, amounts in resources.items()
        if "memory" in amounts
    }
    return {**container, "resources": {**resources, **more_memory}}
