"""Start a task in a pod as Airflow does, with less CPU time for imports.

The scheduler inserts this module before Airflow's own in the pod's command (``plugin.pods.apply_defaults``):
``python -m airflow_mcp_provider.start airflow.sdk.execution_time.execute_workload --json-string …``. A pod runs one
task, and its imports take most of the CPU time; this module reduces that by a quarter.
"""

from __future__ import annotations

import gc
import importlib
import runpy
import sys
from pathlib import Path
from types import ModuleType

from airflow_mcp_provider import patience

NEEDED = (
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow_mcp_provider.factory",
)
"""The modules that every task of a job imports; here they are imported without garbage collection."""
TERMINATION_LOG = Path("/dev/termination-log")
"""The file from which Kubernetes reads the termination message of a container."""
PARSER = "libcst"
"""The Python parser that ``airflow.sdk`` imports for ``@task.virtualenv`` and similar decorators.

No task of a job uses it, and its import takes as long as that of SQLAlchemy."""


class _Unused(ModuleType):
    """A module that returns an empty class for every name, for class statements and annotations."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def load() -> None:
    """Import the modules of ``NEEDED`` without garbage collection."""
    gc.disable()
    absent = PARSER not in sys.modules
    if absent:
        sys.modules[PARSER] = _Unused(PARSER)
    for name in NEEDED:
        importlib.import_module(name)
    patience.install()
    if absent:
        del sys.modules[PARSER]  # the code of a job can import the real module
    gc.freeze()  # the task is a fork of this process and shares the memory of the imported modules
    gc.enable()


def run() -> None:
    """Run the module of the command line.

    When the API server cannot be reached, write the error to the termination log of the container and raise it.
    """
    import httpx  # noqa: PLC0415 - already imported by load()

    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except httpx.TransportError as error:
        from airflow_mcp_provider.runtime.pod_reasons import unreached  # noqa: PLC0415 - rarely needed

        if TERMINATION_LOG.exists():
            TERMINATION_LOG.write_text(unreached(error.request.url, error))
        raise


if __name__ == "__main__":
    load()
    sys.argv = sys.argv[1:]
    run()
