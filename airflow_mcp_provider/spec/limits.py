"""The limits of a job: the number of subtasks, retries and time limits.

Built when a spec is read. The defaults are defined only here. The limits keep one job from using a whole cluster.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo

from airflow_mcp_provider.spec.durations import Duration, TimeLimit, human
from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.job_id import JobId
from airflow_mcp_provider.spec.model import Part
from airflow_mcp_provider.spec.template import stray_brace
from airflow_mcp_provider.spec.tolerate import Tolerate, TolerateField
from airflow_mcp_provider.spec.values import Listed, Text

CLASS_NAME = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"


_KEY = "a field name of the payload, or a template such as {os} {python}"


def _key(name: str) -> str:
    if not name.strip():
        raise fault("blank key", expected=_KEY)
    if stray := stray_brace(name):
        raise fault(f'invalid brace "{stray}" in', expected=_KEY)
    return name


_Number = TypeVar("_Number", int, int | None)
Parallelism = Annotated[_Number, Field(ge=1, le=10_000)]
Depth = Annotated[_Number, Field(ge=0, le=10_000)]
Limit = Annotated[_Number, Field(ge=1, le=1_000_000)]
MOST_IN_BATCH = 500
Batch = Annotated[_Number, Field(ge=1, le=MOST_IN_BATCH)]


class Subtasks(Part):
    """The limits of a run's subtasks, and how many of them may fail."""

    key: Annotated[Text, AfterValidator(_key)] | None = Field(
        default=None,
        description=(
            "The field of the payload whose value identifies a subtask in its run, or a template of several fields: "
            "{os} {python}. Default: a hash of the whole payload."
        ),
    )
    parallelism: Parallelism[int | None] = Field(
        default=None,
        description="The maximum number of subtasks that run at the same time. Default: Airflow's own limits apply.",
    )
    batch: Batch[int] = Field(
        default=1,
        description=(
            "The maximum number of subtasks that one task instance runs in sequence. Each subtask has its own key, "
            "retries and outcome."
        ),
    )
    depth: Depth[int] = Field(
        default=100, description="The maximum number of generations of subtasks after those of plan."
    )
    limit: Limit[int] = Field(
        default=10_000, description="The maximum number of subtasks of a run; with steps, of each step."
    )
    tolerate: TolerateField = Field(
        default=Tolerate(count=0),
        description="How many subtasks may fail in a successful run: a number such as 3, or a percentage such as 5%.",
    )
    jobs: Annotated[tuple[JobId, ...], Listed] = Field(
        default=(),
        description="The ids of the jobs whose runs the code of this job may enqueue as subtasks.",
        examples=[["crawl_site"]],
    )


def _class_name(name: str) -> str:
    if not re.fullmatch(CLASS_NAME, name):
        raise fault("invalid exception name", expected="for example ValueError or my_pkg.errors.Gone")
    return name


def _not_both(only: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if both := sorted(set(only) & set(info.data.get("never_on", ()))):
        raise fault(
            "exception that is also in never_on:", given=", ".join(both), expected="each exception in one of the two"
        )
    return only


def _at_least_delay(longest: timedelta, info: ValidationInfo) -> timedelta:
    delay: timedelta = info.data.get("delay", longest)
    if longest < delay:
        raise fault(
            "duration too short:", given=human(longest), expected=f"at least {human(delay)}, the value of delay"
        )
    return longest


def _longest_delay(so_far: dict[str, Any]) -> timedelta:
    delay: timedelta = so_far.get("delay", timedelta())
    return max(timedelta(minutes=10), delay)


ClassNames = Annotated[
    tuple[Annotated[str, AfterValidator(_class_name), Field(json_schema_extra={"pattern": CLASS_NAME})], ...],
    Listed,
]


class Retries(Part):
    """How often and after which delay a failed subtask is retried."""

    attempts: int = Field(
        default=3, ge=1, le=100, description="The maximum number of attempts, the first one included; 1: no retry."
    )
    delay: Duration = Field(default=timedelta(seconds=60), description="The delay before the second attempt.")
    backoff: float = Field(
        default=2.0,
        ge=1,
        le=100,
        allow_inf_nan=False,
        description="The factor between one delay and the next; 1: constant delay.",
    )
    max_delay: Annotated[Duration, AfterValidator(_at_least_delay)] = Field(
        default_factory=_longest_delay,
        description="The maximum delay. Default: 10m, or the value of delay if that is longer.",
    )
    never_on: ClassNames = Field(
        default=(),
        description="Exceptions after which a subtask is not retried, by class name; subclasses are included.",
    )
    only_on: Annotated[ClassNames, AfterValidator(_not_both)] = Field(
        default=(), description="If set, a subtask is retried only after these exceptions."
    )


def _longer_than_soft(hard: timedelta | None, info: ValidationInfo) -> timedelta | None:
    soft = info.data.get("soft")
    if hard and soft and hard <= soft:
        raise fault("time limit too short:", given=human(hard), expected=f"more than {human(soft)}, the value of soft")
    return hard


def _at_least_hard(run: timedelta | None, info: ValidationInfo) -> timedelta | None:
    hard = info.data.get("hard")
    if run and hard and run < hard:
        raise fault("time limit too short:", given=human(run), expected=f"at least {human(hard)}, the value of hard")
    return _longer_than_soft(run, info)


class StepTimeouts(Part):
    """The time limits of a subtask in one step; none by default."""

    soft: TimeLimit | None = Field(
        default=None,
        description=(
            "The time after which the work of a subtask is asked to end, so that it can clean up: SoftTimeout is "
            "raised in a function, a command gets SIGTERM."
        ),
    )
    hard: Annotated[TimeLimit | None, AfterValidator(_longer_than_soft)] = Field(
        default=None, description="The time after which the work of a subtask is killed."
    )


class Timeouts(StepTimeouts):
    """The time limits of a subtask and of the whole run; none by default."""

    run: Annotated[TimeLimit | None, AfterValidator(_at_least_hard)] = Field(
        default=None, description="The time after which the whole run fails."
    )
    queue: TimeLimit | None = Field(default=None, description="The time after which a run that is still queued fails.")
