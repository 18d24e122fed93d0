"""Convert the JSON of an operator's work and plan back to the spec's models: the inverse of ``model_dump``.

Runs in the runner. An operator has plain JSON, because that is what Airflow serializes.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.faults import sentence
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.work import (
    CommandWork,
    ContainerWork,
    Items,
    JobWork,
    Plan,
    PythonWork,
    ShellWork,
    SubtaskWork,
    Work,
)

_WORK: tuple[type[Work], ...] = (PythonWork, CommandWork, ShellWork)
_SUBTASK: tuple[type[SubtaskWork], ...] = (*_WORK, ContainerWork, JobWork)
_PLAN: tuple[type[Plan], ...] = (*_WORK, ContainerWork, Items)
_Form = TypeVar("_Form", bound=Part)


def parse_work(dumped: Mapping[str, Any]) -> Work:
    """Return the work from its ``model_dump``; raises SpecError when the keys are not those of one form of work."""
    return _parsed(dumped, _WORK)


def parse_subtask(dumped: Mapping[str, Any]) -> SubtaskWork:
    """Return the work of a subtask from its ``model_dump``; raises SpecError as ``parse_work`` does."""
    return _parsed(dumped, _SUBTASK)


def parse_plan(dumped: Mapping[str, Any]) -> Plan:
    """Return the plan from its ``model_dump``; raises SpecError as ``parse_work`` does."""
    return _parsed(dumped, _PLAN)


def _parsed(dumped: Mapping[str, Any], forms: tuple[type[_Form], ...]) -> _Form:
    for form in forms:
        if [*dumped] == [*form.model_fields]:
            return form.model_validate(dict(dumped))
    keys = ", ".join(key for form in forms for key in form.model_fields)
    raise SpecError(
        sentence("invalid keys of the work:", ", ".join(map(str, dumped)) or "none", f"exactly one of {keys}")
    )
