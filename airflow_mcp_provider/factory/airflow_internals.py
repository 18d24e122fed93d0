"""What the factory reads of Airflow while a DAG file is parsed, in the task runner and in the DAG processor.

Airflow has no public way to know the task instance at this time: ``get_parsing_context`` has the ids of the DAG and the
task alone. tests/unit/factory/test_factory_contract.py checks each, so that a change in Airflow fails there.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import FrameType
from uuid import UUID

from airflow.sdk import DAG, get_parsing_context
from airflow.sdk.configuration import conf
from airflow.sdk.execution_time.context import TaskStateStoreAccessor

RUNNER, PARSE, DETAILS = "airflow.sdk.execution_time.task_runner", "parse", "what"
"""The module and the function that parse the DAG file in a runner, and its variable with the startup message."""


@dataclass(frozen=True, slots=True)
class Startup:
    """The task instance of a runner, and the version of the DAG bundle that its run has."""

    instance: UUID
    version: str | None


def startup() -> Startup | None:
    """Return for which task instance the DAG file is parsed; None outside of a runner."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the callers are on the stack and nowhere else
    while frame is not None:
        if frame.f_code.co_name == PARSE and frame.f_globals.get("__name__") == RUNNER:
            what = frame.f_locals[DETAILS]
            return Startup(what.ti.id, what.bundle_info.version)
        frame = frame.f_back
    return None


def ask(instance: UUID, key: str) -> object:
    """Return a value of a task instance's state store; None where there is none."""
    return TaskStateStoreAccessor(instance, scope=None).get(key)  # type: ignore[arg-type]  # only writing needs a scope


def checked(dag: DAG) -> DAG:
    """Return a DAG; raises UnknownExecutorException for a task with an executor that is not configured.

    Airflow checks it after the DAG file was imported, and then the error is that of all its DAGs. Not in a runner, and
    not with ``[core] multi_team``, where it depends on the team of the bundle, which is not known here.
    """
    named = get_parsing_context().dag_id is None and any(task.executor for task in dag.tasks)
    if named and not conf.getboolean("core", "multi_team", fallback=False):
        from airflow.dag_processing.dagbag import _validate_executor_fields  # noqa: PLC0415 - few jobs name an executor

        _validate_executor_fields(dag)
    return dag
