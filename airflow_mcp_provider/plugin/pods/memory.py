"""How much memory a subtask gets after its memory ran out."""

from __future__ import annotations

from typing import Any

from kubernetes.utils.quantity import parse_quantity

from airflow_mcp_provider.spec.marker import MoreMemory

MEMORY = "memory"


def grow(resources: Any, more: MoreMemory, times: int) -> None:  # noqa: ANN401 - V1ResourceRequirements
    """Multiply limit and request, for each of the ``times`` that it was too little; where there is a limit."""
    for quantities in (resources.limits, resources.requests):
        if quantities and MEMORY in quantities:
            quantities[MEMORY] = grown(str(quantities[MEMORY]), more, times)


def grown(quantity: str, more: MoreMemory, times: int) -> str:
    """Return a quantity of bytes, never less than it was."""
    before = parse_quantity(quantity)
    wanted = float(before) * more.factor**times
    return str(int(max(float(before), min(wanted, float(parse_quantity(more.max))))))
