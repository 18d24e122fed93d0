"""The labels and annotations by which Airflow and this package find the task of a pod: a job cannot set them.

Airflow would assign a pod with the labels of another task to that task, with its state and its failure reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from airflow_mcp_provider.spec.faults import Path, fault, shown

RESERVED_PREFIX = "mcp/"
"""The prefix of the labels and annotations of this package."""
RESERVED = frozenset(
    {
        *("dag_id", "task_id", "run_id", "map_index", "try_number", "logical_date", "execution_date"),
        *("task_instance_id", "airflow-worker", "airflow_version", "kubernetes_executor", "kubernetes_pod_operator"),
        *("airflow_executor_done", "airflow_pod_revoked", "already_checked"),
        *("component", "release", "tier"),  # the network policies of Airflow's chart select pods by these
    }
)
_Names = TypeVar("_Names", bound=Mapping[str, object])
_METADATA = ("labels", "annotations")
_WRONG = "reserved label or annotation"
_EXPECTED = "a name that Airflow, its Helm chart and this package do not use, for example example.com/team"


def is_reserved(name: str) -> bool:
    """Whether the label or annotation ``name`` is reserved, so that a job cannot set it."""
    return name in RESERVED or name.lower().startswith(RESERVED_PREFIX)


def free(names: _Names, at: Path = ()) -> _Names:
    """Return the labels or annotations ``names``; raises the error of ``faults.fault`` for a reserved one."""
    for name in filter(is_reserved, names):
        raise fault(_WRONG, given=shown(name), expected=_EXPECTED, at=(*at, name))
    return names


def free_override(override: _Names) -> _Names:
    """Return ``override``; raises the error of ``faults.fault`` when its metadata has anything that is reserved."""
    metadata = override.get("metadata")
    for part, names in metadata.items() if isinstance(metadata, Mapping) else ():
        if part not in _METADATA:
            expected = f"one of {', '.join(_METADATA)} (Airflow sets the others)"
            raise fault("unsupported key", given=shown(part), expected=expected, at=("metadata", part))
        if isinstance(names, Mapping):
            free(names, ("metadata", part))
    return override
