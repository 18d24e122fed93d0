"""How the runner of a job starts in a pod: as Airflow starts it, for less of the processor's time.

The scheduler puts this module before Airflow's own in the pod's command (``plugin.pods.defaults``):
``python -m airflow_mcp_provider.start airflow.sdk.execution_time.execute_workload --json-string …``. A pod lives for
one task, and most of what it computes is imports; here they cost a quarter less, and nothing else is different.
"""

from __future__ import annotations

import gc
import importlib
import runpy
import sys
from pathlib import Path
from types import ModuleType

NEEDED = (
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow_mcp_provider.factory",
)
"""What every runner of a job imports, a moment later, with the garbage collector running."""
LAST_WORD = Path("/dev/termination-log")
"""Where Kubernetes looks for what a container has to say at its end."""
PARSER = "libcst"
"""A parser of Python that ``airflow.sdk`` imports for the source of ``@task.virtualenv`` and its kind: no runner of
ours has one, and it takes as long as all of SQLAlchemy."""


class _Unused(ModuleType):
    """Has every class that a class statement or an annotation may ask for."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def load() -> None:
    """Import what a runner needs, while nothing looks for garbage: there is none yet."""
    gc.disable()
    absent = PARSER not in sys.modules
    if absent:
        sys.modules[PARSER] = _Unused(PARSER)
    for name in NEEDED:
        importlib.import_module(name)
    if absent:
        del sys.modules[PARSER]  # the job's own code gets the real one
    gc.freeze()  # the task is a fork of this process: what is imported stays shared with it
    gc.enable()


def run() -> None:
    """Do what the command says; a runner that cannot reach Airflow has nobody to tell but Kubernetes."""
    import httpx  # noqa: PLC0415 - loaded by now

    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except httpx.TransportError as error:
        from airflow_mcp_provider.runtime.pod_reasons import unreached  # noqa: PLC0415 - seldom needed

        if LAST_WORD.exists():
            LAST_WORD.write_text(unreached(error.request.url, error))
        raise


if __name__ == "__main__":
    load()
    sys.argv = sys.argv[1:]
    run()
