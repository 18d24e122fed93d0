"""The rules of a job id: it is also Airflow's dag_id, a file name, a label of pods and a global name in a DAG file."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from airflow_mcp_provider.spec.faults import fault

PATTERN = r"^[A-Za-z0-9_.-]{1,200}$"
EXPECTED = "at most 200 letters, digits, -, . and _, not only dots"


def is_job_id(name: object) -> bool:
    """Whether ``name`` is a valid job id."""
    return isinstance(name, str) and re.fullmatch(PATTERN, name) is not None and bool(name.strip("."))


def checked(name: str) -> str:
    """Return ``name`` if it is a valid id of any job, else raise the error of ``faults.fault``."""
    if not is_job_id(name):
        raise fault("invalid job id", expected=EXPECTED)
    return name


def own(name: str) -> str:
    """Return ``name`` if it is a valid id for the DAG of a spec, else raise the error of ``faults.fault``."""
    if not is_job_id(name):
        raise fault("invalid job id", expected=f"{EXPECTED}; the name of the file is the job id")
    if name.startswith("__"):  # a DAG as __file__ in the globals() of a DAG file would break all its DAGs
        raise fault("reserved job id", expected="a job id that does not begin with __")
    if name == "_defaults":
        raise fault("reserved job id", expected="another job id; the defaults of a folder are in _defaults.yaml")
    return name


JobId = Annotated[str, AfterValidator(checked), Field(json_schema_extra={"pattern": PATTERN})]
