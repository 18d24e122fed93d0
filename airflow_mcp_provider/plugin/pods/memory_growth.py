"""The memory of a subtask's pod after earlier attempts ran out of memory."""

from __future__ import annotations

from typing import Any

from airflow_mcp_provider.runtime.quantity import grown
from airflow_mcp_provider.spec.marker import MoreMemory

MEMORY = "memory"


def grow(resources: Any, more: MoreMemory, times: int) -> None:  # noqa: ANN401 - V1ResourceRequirements
    """Multiply the memory limit and request, if set, once for each of the ``times`` that it was too small."""
    for quantities in (resources.limits, resources.requests):
        if quantities and MEMORY in quantities:
            quantities[MEMORY] = grown(str(quantities[MEMORY]), more.factor, more.max, times)
