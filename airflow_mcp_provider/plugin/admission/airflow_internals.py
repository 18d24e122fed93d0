"""Private API of Airflow that admission uses: the types of runs, the params of a DAG, backfills.

tests/unit/test_airflow_contract.py checks each, so that a change in Airflow fails there and not in a user's run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.models.backfill import Backfill
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import BaseSerialization
from airflow.utils.types import DagRunType
from sqlalchemy.orm import Session

__all__ = ["DOORS", "Backfill", "declared"]

DOORS = frozenset(
    {
        DagRunType.MANUAL,
        DagRunType.OPERATOR_TRIGGERED,
        DagRunType.ASSET_MATERIALIZATION,
        DagRunType.BACKFILL_JOB,
    }
)
"""Runs that a person or a program asks for. Those of the scheduler are bounded by its own rules."""


def declared(session: Session, dag_id: str) -> dict[str, Any]:
    """Return the default values of the params of a DAG's latest version, by name; None for a param without one.

    The DAG is not deserialized: that takes longer than all the rest of a request.
    """
    latest: Any = SerializedDagModel.latest_item_select_object
    row = session.scalar(latest(dag_id))
    data: Any = {} if row is None else row.data
    found = data.get("dag", {}).get("params") or []
    return {name: _default(param) for name, param in found}


def _default(param: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    value = BaseSerialization.deserialize(param["default"])
    return value if isinstance(value, str | int | float | list | dict) else None
