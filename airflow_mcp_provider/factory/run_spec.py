"""The spec of the run that a runner works for, where the file has another one, or none.

Each runner parses the newest file, which may be edited, broken, half-written, renamed or removed while runs are active.
Then the runner asks the API server for the spec of its run (``plugin.growth.run_spec``). As a rule the file has that
spec, and the runner asks nothing: the name of the version is in the message that starts it.
"""

from __future__ import annotations

from airflow.sdk import get_parsing_context

from airflow_mcp_provider.factory import airflow_internals
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec import JobSpec, version


def of_run(own: JobSpec) -> JobSpec:
    """Return in a runner of the job the spec of its run; elsewhere, and for a run without a version, ``own``.

    Raises AirflowRuntimeError when the API server cannot be reached: Airflow starts the task again later.
    """
    if get_parsing_context().dag_id != own.id or (here := airflow_internals.startup()) is None:
        return own
    wanted = here.version
    if wanted is None or not wanted.startswith(version.PREFIX) or wanted == version.name(version.text(own)):
        return own
    return ask() or own


def ask() -> JobSpec | None:
    """Ask the API server for the spec of the run; None outside of a runner, or where its DAG carries no spec.

    Raises AirflowRuntimeError as above.
    """
    if (here := airflow_internals.startup()) is None:
        return None
    text = airflow_internals.ask(here.instance, store_keys.SPEC)
    return version.read(text) if isinstance(text, str) else None
