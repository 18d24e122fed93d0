"""How much memory a subtask gets after its memory ran out."""

from __future__ import annotations

from typing import Any

from airflow_mcp_provider.runtime.quantity import grown
from airflow_mcp_provider.spec.marker import MoreMemory

MEMORY = "memory"


def grow(resources: Any, more: MoreMemory, times: int) -> None:  # noqa: ANN401 - V1ResourceRequirements
    """Multiply limit and request, for each of the ``times`` that it was too little; where there is a limit."""
    for quantities in (resources.limits, resources.requests):
        if quantities and MEMORY in quantities:
            quantities[MEMORY] = grown(str(quantities[MEMORY]), more.factor, more.max, times)
