"""Jobs in Python: ``@job``, ``build_dag``, and all parts of a spec.

Imported by DAG files. Airflow parses only files that contain the word "dag" (``[core] dag_discovery_safe_mode``); the
name of this module contains it. ``dag.pyi`` has the types of all constructors for editors and type checkers
(``scripts/stub``): a field takes what it takes in YAML, for example ``"5s"`` for a duration.
"""

from airflow_mcp_provider.factory.dag import build_dag
from airflow_mcp_provider.factory.folder import load_dags
from airflow_mcp_provider.factory.job import Job, job
from airflow_mcp_provider.spec import (
    CommandWork,
    Container,
    ContainerWork,
    Items,
    JobSpec,
    JobWork,
    Notify,
    NotifyLate,
    On,
    OnOom,
    Pod,
    PythonWork,
    Queue,
    Resources,
    Retries,
    Schedule,
    Secret,
    ShellWork,
    Step,
    StepSubtasks,
    StepTimeouts,
    Subtasks,
    Timeouts,
    Volume,
    Watch,
    to_python,
    to_yaml,
)

__all__ = [
    "CommandWork",
    "Container",
    "ContainerWork",
    "Items",
    "Job",
    "JobSpec",
    "JobWork",
    "Notify",
    "NotifyLate",
    "On",
    "OnOom",
    "Pod",
    "PythonWork",
    "Queue",
    "Resources",
    "Retries",
    "Schedule",
    "Secret",
    "ShellWork",
    "Step",
    "StepSubtasks",
    "StepTimeouts",
    "Subtasks",
    "Timeouts",
    "Volume",
    "Watch",
    "build_dag",
    "job",
    "load_dags",
    "to_python",
    "to_yaml",
]
