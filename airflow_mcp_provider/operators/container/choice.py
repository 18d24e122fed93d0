"""Choose the engine for this runner's container: the cluster in which the runner is a pod, else a Docker engine."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_mcp_provider.runtime.container import Engine
from airflow_mcp_provider.runtime.docker import Docker, Limits, program

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
POD = "MCP_POD"
"""The variable with the name of the runner's pod (``factory.pod.build``); without it the host name is used."""
LABEL_CHARS = 250


def engine(settings: Mapping[str, Any], ti: Any, key: str, ooms: int) -> Engine:  # noqa: ANN401 - a task instance
    """Return the engine for a task whose work is a container.

    ``settings`` are those of ``factory.placement.of_container``: ``{"pod": {"metadata": …, "spec": …}, "memory":
    {"factor": …, "max": …}, "hard": seconds}``, the last two optional. ``key`` is the subtask's key, ``ooms`` the
    number of attempts that ran out of memory. Raises InstallationError when no engine is available.
    """
    labels = {"mcp/job": ti.dag_id, "mcp/run": ti.run_id, "mcp/subtask": key[:LABEL_CHARS]}
    if (ACCOUNT / "token").exists():
        from airflow_mcp_provider.operators.container.cluster import Cluster  # noqa: PLC0415 - loads kubernetes

        name = os.environ.get(POD) or socket.gethostname()
        return Cluster.here(name, (ACCOUNT / "namespace").read_text().strip(), settings, ooms, labels)
    place = "\0".join((ti.dag_id, ti.run_id, ti.task_id, str(ti.map_index)))
    return Docker(program(), hashlib.sha256(place.encode()).hexdigest()[:16], labels, limits(settings["pod"]))


def limits(pod: Mapping[str, Any]) -> Limits:
    """Return the parts of a pod's manifest that a Docker engine supports."""
    [container, *_] = pod["spec"]["containers"]
    most = container.get("resources", {}).get("limits", {})
    env = {one["name"]: one["value"] for one in container.get("env", []) if "value" in one}
    return Limits(env, most.get("memory"), most.get("cpu"), pull=container.get("imagePullPolicy") == "Always")
