"""The fields of a job's payloads, as far as they are known before a run.

Runs for ``airflow mcp validate``. They are known where ``plan`` is ``items``; the first step gets these payloads, and a
later step also the results of the steps before it, by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_mcp_provider.runtime.payload import payload_of
from airflow_mcp_provider.spec import Items

if TYPE_CHECKING:
    from airflow_mcp_provider.spec import JobSpec

Fields = frozenset[str]


def planned(spec: JobSpec) -> tuple[Fields, ...] | None:
    """Return each set of fields that a payload of ``plan`` has; None where only a run shows them."""
    if not isinstance(spec.plan, Items):
        return None
    payloads = map(payload_of, spec.plan.items)
    found = {frozenset(one): None for one in payloads if isinstance(one, Mapping)}
    return tuple(found)


def of_step(spec: JobSpec, index: int) -> tuple[Fields, ...] | None:
    """Return each set of fields that a subtask of the step at ``index`` has; None where only a run shows them."""
    found = planned(spec)
    before = frozenset(step.name for step in spec.each_step[:index])
    return None if found is None else tuple(one | before for one in found)
