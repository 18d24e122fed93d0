"""The bounds of a job: how many subtasks, how many tries, how long.

Built when a spec is read. Each default stands here and nowhere else; every bound keeps one job from eating
a cluster.
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


_KEY = "the name of a value in the payload, or a text with {names}"


def _key(name: str) -> str:
    if not name.strip():
        raise fault("must not be blank", allowed=_KEY)
    if stray := stray_brace(name):
        raise fault(f"has a {stray} that is no part of a placeholder", allowed=_KEY)
    return name


_Number = TypeVar("_Number", int, int | None)
Parallelism = Annotated[_Number, Field(ge=1, le=10_000)]
Depth = Annotated[_Number, Field(ge=0, le=10_000)]
Limit = Annotated[_Number, Field(ge=1, le=1_000_000)]
MOST_IN_BATCH = 500
Batch = Annotated[_Number, Field(ge=1, le=MOST_IN_BATCH)]


class Subtasks(Part):
    """How a run may grow, and how many failures it bears."""

    key: Annotated[Text, AfterValidator(_key)] | None = Field(
        default=None,
        description=(
            "The payload's value that makes a subtask unique in its run, or a text with several: {os} {python}; "
            "else the whole payload is."
        ),
    )
    parallelism: Parallelism[int | None] = Field(
        default=None,
        description="How many subtasks run at once; without it, as Airflow's settings allow.",
    )
    batch: Batch[int] = Field(
        default=1, description="How many subtasks a runner takes, one after the other; each stays a subtask of its own."
    )
    depth: Depth[int] = Field(default=100, description="How many generations may follow the plan's subtasks.")
    limit: Limit[int] = Field(default=10_000, description="How many subtasks a run, or each of its steps, may have.")
    tolerate: TolerateField = Field(
        default=Tolerate(count=0),
        description="How many failed subtasks, as 3 or 5%, still make a successful run.",
    )
    jobs: Annotated[tuple[JobId, ...], Listed] = Field(
        default=(),
        description="Other jobs whose runs its code may enqueue as subtasks of the run; no others.",
        examples=[["crawl_site"]],
    )


def _class_name(name: str) -> str:
    if not re.fullmatch(CLASS_NAME, name):
        raise fault("is no name of an exception", allowed="names such as ValueError or my_pkg.errors.Gone")
    return name


def _not_both(only: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if both := sorted(set(only) & set(info.data.get("never_on", ()))):
        raise fault("names what never_on names too", given=", ".join(both), allowed="each exception in one of the two")
    return only


def _at_least_delay(longest: timedelta, info: ValidationInfo) -> timedelta:
    delay: timedelta = info.data.get("delay", longest)
    if longest < delay:
        raise fault("is shorter than delay", given=human(longest), allowed=f"{human(delay)} or more")
    return longest


def _longest_delay(so_far: dict[str, Any]) -> timedelta:
    delay: timedelta = so_far.get("delay", timedelta())
    return max(timedelta(minutes=10), delay)


ClassNames = Annotated[
    tuple[Annotated[str, AfterValidator(_class_name), Field(json_schema_extra={"pattern": CLASS_NAME})], ...],
    Listed,
]


class Retries(Part):
    """When a failed subtask is tried again."""

    attempts: int = Field(default=3, ge=1, le=100, description="Tries in all: 1 means no retry.")
    delay: Duration = Field(default=timedelta(seconds=60), description="The wait before the second try.")
    backoff: float = Field(
        default=2.0,
        ge=1,
        le=100,
        allow_inf_nan=False,
        description="Each further wait is this times longer; 1: constant.",
    )
    max_delay: Annotated[Duration, AfterValidator(_at_least_delay)] = Field(
        default_factory=_longest_delay,
        description="No wait is longer than this; by default 10m, or delay if longer.",
    )
    never_on: ClassNames = Field(
        default=(), description="Exceptions that are final, by class name, subclasses included."
    )
    only_on: Annotated[ClassNames, AfterValidator(_not_both)] = Field(
        default=(), description="If given, only these exceptions are worth another try."
    )


def _longer_than_soft(hard: timedelta | None, info: ValidationInfo) -> timedelta | None:
    soft = info.data.get("soft")
    if hard and soft and hard <= soft:
        raise fault("is not longer than soft", given=human(hard), allowed=f"more than {human(soft)}")
    return hard


def _at_least_hard(run: timedelta | None, info: ValidationInfo) -> timedelta | None:
    hard = info.data.get("hard")
    if run and hard and run < hard:
        raise fault("is shorter than hard", given=human(run), allowed=f"{human(hard)} or more")
    return _longer_than_soft(run, info)


class StepTimeouts(Part):
    """How long a subtask may take in one step; no limits by default."""

    soft: TimeLimit | None = Field(
        default=None, description="After this a subtask's work is asked to end (SoftTimeout)."
    )
    hard: Annotated[TimeLimit | None, AfterValidator(_longer_than_soft)] = Field(
        default=None, description="After this a subtask's work is killed."
    )


class Timeouts(StepTimeouts):
    """How long a subtask, and the whole run, may take; none by default."""

    run: Annotated[TimeLimit | None, AfterValidator(_at_least_hard)] = Field(
        default=None, description="After this the whole run fails."
    )
    queue: TimeLimit | None = Field(
        default=None, description="A run that could not start within this time fails, unstarted."
    )


class Queue(Part):
    """How the job's runs queue."""

    priority: int = Field(
        default=0,
        ge=-1000,
        le=1000,
        description=(
            "Of its subtasks among those of other jobs, and of its runs that say none themselves (mcp_priority in a "
            "run's conf): the higher goes first."
        ),
    )
