"""What every pod of a job has where nobody says otherwise, in Kubernetes' own words.

One place for the runners' pods (``plugin.pods``) and for those of their containers (``operators.container``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANNOTATIONS = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
"""An autoscaler that makes a node free would cost the subtask an attempt."""
SPEC = {"automountServiceAccountToken": False, "enableServiceLinks": False}


def security_context(own: Mapping[str, Any], of_pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return the safe defaults that a container's ``securityContext`` does not have, given that of its pod."""
    defaults: dict[str, Any] = {"capabilities": {"drop": ["ALL"]}}
    if not own.get("privileged"):  # together with it Kubernetes refuses this
        defaults["allowPrivilegeEscalation"] = False
    said = {**of_pod, **own}
    if not said.keys() & {"runAsUser", "runAsNonRoot"}:
        defaults["runAsNonRoot"] = True
    if "seccompProfile" not in said:
        defaults["seccompProfile"] = {"type": "RuntimeDefault"}
    return {name: value for name, value in defaults.items() if name not in own}
