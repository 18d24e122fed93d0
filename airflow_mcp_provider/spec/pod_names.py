"""Labels and annotations by which Airflow and this package know whose pod it is: a job cannot set them.

A pod that bears the names of another task would be taken for that task's: its end and its reason would be told there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from airflow_mcp_provider.spec.faults import Path, fault

RESERVED_PREFIX = "mcp/"
"""How the names of our own begin."""
RESERVED = frozenset(
    {
        *("dag_id", "task_id", "run_id", "map_index", "try_number", "logical_date", "execution_date"),
        *("task_instance_id", "airflow-worker", "airflow_version", "kubernetes_executor", "kubernetes_pod_operator"),
        *("airflow_executor_done", "airflow_pod_revoked", "already_checked"),
        *("component", "release", "tier"),  # by these the network policies of Airflow's chart let pods in
    }
)
_Names = TypeVar("_Names", bound=Mapping[str, object])
_METADATA = ("labels", "annotations")
_WRONG = "is set by Airflow, its chart or this package, which know by it whose pod it is"


def is_reserved(name: str) -> bool:
    """Tell whether a job cannot set a label or an annotation of this name."""
    return name in RESERVED or name.lower().startswith(RESERVED_PREFIX)


def free(names: _Names, at: Path = ()) -> _Names:
    """Return labels or annotations of a job; raises the fault of the first that is reserved."""
    for name in filter(is_reserved, names):
        raise fault(_WRONG, given="", allowed="a name of your own, such as example.com/team", at=(*at, name))
    return names


def free_override(override: _Names) -> _Names:
    """Return an override whose metadata is labels and annotations of the job's own; raises the fault of what is not."""
    metadata = override.get("metadata")
    for part, names in metadata.items() if isinstance(metadata, Mapping) else ():
        if part not in _METADATA:
            raise fault("is set by Airflow", given="", allowed=", ".join(_METADATA), at=("metadata", part))
        if isinstance(names, Mapping):
            free(names, ("metadata", part))
    return override
