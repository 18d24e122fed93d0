"""Airflow's cache of serialized DAGs, one per API server."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def dag_bag() -> Any:  # noqa: ANN401 - a DBDagBag
    """Return the DBDagBag, with a cache of the size ``[api] dag_cache_size``."""
    from airflow.api_fastapi.common.dagbag import create_dag_bag  # noqa: PLC0415 - FastAPI, which no scheduler loads

    return create_dag_bag()
