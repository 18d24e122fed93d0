"""The job spec: immutable, validated models, loaded from YAML or built in Python."""

from airflow_mcp_provider.spec.defaults import FolderDefaults, Origin, Sources
from airflow_mcp_provider.spec.durations import human
from airflow_mcp_provider.spec.faults import printable
from airflow_mcp_provider.spec.folder import defaults_of, duplicate_ids, spec_files
from airflow_mcp_provider.spec.forms import parse_plan, parse_subtask, parse_work
from airflow_mcp_provider.spec.job import JobSpec
from airflow_mcp_provider.spec.keep import Keep
from airflow_mcp_provider.spec.limits import Retries, StepTimeouts, Subtasks, Timeouts
from airflow_mcp_provider.spec.load import load_job, parse_job, sources, with_location
from airflow_mcp_provider.spec.notify import Notify, NotifyLate, On
from airflow_mcp_provider.spec.pod import OnOom, Pod, Resources, Secret, Volume
from airflow_mcp_provider.spec.queue import Queue
from airflow_mcp_provider.spec.rate import Rate
from airflow_mcp_provider.spec.schedule import Schedule
from airflow_mcp_provider.spec.schema import job_schema
from airflow_mcp_provider.spec.step import Step, StepSubtasks
from airflow_mcp_provider.spec.template import fill, fill_all, names
from airflow_mcp_provider.spec.tolerate import Tolerate
from airflow_mcp_provider.spec.watch import Watch
from airflow_mcp_provider.spec.work import (
    CommandWork,
    Container,
    ContainerWork,
    Items,
    JobWork,
    Plan,
    PythonWork,
    RunnerWork,
    ShellWork,
    SubtaskWork,
    Work,
)
from airflow_mcp_provider.spec.write import to_python, to_values, to_yaml

__all__ = [
    "CommandWork",
    "Container",
    "ContainerWork",
    "FolderDefaults",
    "Items",
    "JobSpec",
    "JobWork",
    "Keep",
    "Notify",
    "NotifyLate",
    "On",
    "OnOom",
    "Origin",
    "Plan",
    "Pod",
    "PythonWork",
    "Queue",
    "Rate",
    "Resources",
    "Retries",
    "RunnerWork",
    "Schedule",
    "Secret",
    "ShellWork",
    "Sources",
    "Step",
    "StepSubtasks",
    "StepTimeouts",
    "SubtaskWork",
    "Subtasks",
    "Timeouts",
    "Tolerate",
    "Volume",
    "Watch",
    "Work",
    "defaults_of",
    "duplicate_ids",
    "fill",
    "fill_all",
    "human",
    "job_schema",
    "load_job",
    "names",
    "parse_job",
    "parse_plan",
    "parse_subtask",
    "parse_work",
    "printable",
    "sources",
    "spec_files",
    "to_python",
    "to_values",
    "to_yaml",
    "with_location",
]
