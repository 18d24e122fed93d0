"""The params of a run: only those that its DAG declares. Runs in the runner.

Airflow merges all of ``dag_run.conf`` into the params of a task's context, so a caller could pass a value to a function
or a placeholder that the author did not declare.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import Context

from airflow_mcp_provider.spec.marker import PRIORITY

_log = logging.getLogger(__name__)


def declared(context: Context) -> dict[str, Any]:
    """Return the declared params of the run; log the names of the others."""
    names = context["dag"].params.keys()
    given = dict(context["params"])
    if ignored := sorted(str(name) for name in given.keys() - names - {PRIORITY}):
        _log.warning("ignored fields of conf that are not declared in the job's params: %s", ", ".join(ignored)[:1000])
    return {name: value for name, value in given.items() if name in names}
