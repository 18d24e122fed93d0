"""The default fields of a job's pods, under their names in the Kubernetes API.

Used for the pods of runners (``plugin.pods``) and for the pods of their containers (``operators.container``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANNOTATIONS = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
"""A cluster autoscaler that drains a node would cost the subtask one attempt."""
SPEC = {"automountServiceAccountToken": False, "enableServiceLinks": False}


def security_context(own: Mapping[str, Any], of_pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return the safe defaults for the fields that are not set.

    ``own`` is the container's ``securityContext``, ``of_pod`` that of its pod, under their names in the Kubernetes API.
    """
    defaults: dict[str, Any] = {"capabilities": {"drop": ["ALL"]}}
    if not own.get("privileged"):  # Kubernetes rejects the two together
        defaults["allowPrivilegeEscalation"] = False
    given = {**of_pod, **own}
    if not given.keys() & {"runAsUser", "runAsNonRoot"}:
        defaults["runAsNonRoot"] = True
    if "seccompProfile" not in given:
        defaults["seccompProfile"] = {"type": "RuntimeDefault"}
    return {name: value for name, value in defaults.items() if name not in own}
