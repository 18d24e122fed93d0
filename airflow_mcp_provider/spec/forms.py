"""Work and plan from the JSON that an operator carries: the inverse of their ``model_dump``.

Runs in the runner. An operator holds plain JSON, because that is what Airflow serialises; here it becomes
what the spec held.
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
    """Build the work that ``model_dump`` wrote."""
    return _parsed(dumped, _WORK)


def parse_subtask(dumped: Mapping[str, Any]) -> SubtaskWork:
    """Build the work of a subtask that ``model_dump`` wrote."""
    return _parsed(dumped, _SUBTASK)


def parse_plan(dumped: Mapping[str, Any]) -> Plan:
    """Build the plan that ``model_dump`` wrote."""
    return _parsed(dumped, _PLAN)


def _parsed(dumped: Mapping[str, Any], forms: tuple[type[_Form], ...]) -> _Form:
    for form in forms:
        if [*dumped] == [*form.model_fields]:
            return form.model_validate(dict(dumped))
    keys = ", ".join(key for form in forms for key in form.model_fields)
    raise SpecError(sentence("is no work", ", ".join(map(str, dumped)) or "nothing", f"exactly one of {keys}"))
