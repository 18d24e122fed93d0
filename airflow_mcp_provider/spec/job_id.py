"""What a job id may be: it is a dag_id of Airflow, the stem of a file, a label of pods and a name in a DAG file."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from airflow_mcp_provider.spec.faults import fault

PATTERN = r"^[A-Za-z0-9_.-]{1,200}$"


def is_job_id(name: object) -> bool:
    """Whether a job may have this id."""
    return isinstance(name, str) and re.fullmatch(PATTERN, name) is not None and bool(name.strip("."))


def checked(name: str) -> str:
    """Return the id of any job; raises a fault."""
    if not is_job_id(name):
        raise fault("is no job id", allowed="letters, digits, - . and _, at most 200, not dots alone")
    return name


def own(name: str) -> str:
    """Return the id of a job that a DAG file makes; raises a fault."""
    if checked(name).startswith("__"):  # in a DAG file's globals() a __file__ that is a DAG would take down all of them
        raise fault("begins as Python's own names do", allowed="a job id without __ at its beginning")
    return name


JobId = Annotated[str, AfterValidator(checked), Field(json_schema_extra={"pattern": PATTERN})]
