"""Let the supervisors in the LocalExecutor's workers wait for the grace of a cancelled run: see ``patience``.

A worker imports the supervisor when it gets its first task, after it was forked: the scheduler itself does not need it.
"""

from __future__ import annotations

from functools import cache, wraps
from typing import Any

from airflow_mcp_provider import patience
from airflow_mcp_provider.plugin.patching import Method
from airflow_mcp_provider.plugin.slots.airflow_internals import RUN_WORKLOAD, BaseExecutor


@cache
def wait_for_graces(kind: type[BaseExecutor] = BaseExecutor) -> None:
    """Patch the executors of this process to patch the supervisors of tasks."""
    setattr(kind, RUN_WORKLOAD, staticmethod(_patching(getattr(kind, RUN_WORKLOAD))))


def _patching(run: Method) -> Method:
    @wraps(run)
    def patching(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Airflow's
        patience.install()
        return run(*args, **kwargs)

    return patching
