"""A step: one stage of a job, with its own work, limits and task in the DAG.

Built when a spec is read. A step inherits from the job what it does not set (``JobSpec.each_step``).
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.limits import Batch, Depth, Limit, Parallelism, Retries, StepTimeouts
from airflow_mcp_provider.spec.model import Part, Rare
from airflow_mcp_provider.spec.pod import Pod
from airflow_mcp_provider.spec.values import Listed
from airflow_mcp_provider.spec.work import RunField, one_image

NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"
MOST_STEPS = 20
RUN = "run"
"""The name of the only step of a job with ``run``."""

_TAKEN = frozenset({"plan", "report"})


def _name(name: str) -> str:
    # Later steps read the result of a step by its name, so {name} and $MCP_SUBTASK_NAME must be valid.
    if not re.fullmatch(NAME, name, re.ASCII):
        raise fault("invalid step name", expected="at most 100 letters, digits and _, the first not a digit")
    if name in _TAKEN:
        raise fault("reserved step name", expected="any name except plan and report")
    return name


class StepSubtasks(Part):
    """The limits of one step; what it does not set is inherited from the job's ``subtasks``."""

    parallelism: Parallelism[int | None] = Field(
        default=None,
        description=(
            "The maximum number of subtasks of this step that run at the same time. The job's parallelism limits all "
            "steps together."
        ),
    )
    batch: Batch[int | None] = Field(
        default=None, description="The maximum number of subtasks that one task instance of this step runs in sequence."
    )
    depth: Depth[int | None] = Field(
        default=None, description="The maximum number of generations of subtasks after the first ones of this step."
    )
    limit: Limit[int | None] = Field(default=None, description="The maximum number of subtasks of this step.")


class Step(Part):
    """One stage of a job: a mapped task in the DAG."""

    name: Annotated[str, AfterValidator(_name)] = Field(
        description="The name of the step: its task id, and the name of its result in later steps.",
        examples=["search"],
        json_schema_extra={"pattern": NAME},
    )
    run: RunField = Field(
        description="The work of this step for one subtask.", examples=[{"python": "my_pkg.sections:search"}]
    )
    wait: Literal["all"] | None = Field(
        default=None,
        description=(
            "all: this step starts when the previous steps have finished. Default: a subtask starts this step as soon "
            "as it has finished the previous one."
        ),
    )
    subtasks: StepSubtasks | None = Field(default=None, description="The limits of this step's subtasks.")
    retries: Retries | None = Field(default=None, description="Replaces the retries of the job.")
    pod: Annotated[Pod | None, Rare(Pod), AfterValidator(one_image)] = Field(
        default=None, description="Replaces the pod of the job."
    )
    timeouts: StepTimeouts | None = Field(default=None, description="Replaces soft and hard of the job's timeouts.")

    @property
    def batch(self) -> int:
        """The batch size that the step itself sets, 1 by default (``JobSpec.each_step`` has the inherited one)."""
        return (self.subtasks and self.subtasks.batch) or 1


def _each_once(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    names = [step.name for step in steps]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise fault("duplicate step name", given=", ".join(twice), expected="each name once")
    if len(steps) > MOST_STEPS:
        raise fault("too many steps:", given=str(len(steps)), expected=f"at most {MOST_STEPS}")
    if steps and steps[0].wait:
        raise fault("unsupported wait in the first step", given="", expected="no wait", at=(0, "wait"))
    return steps


Steps = Annotated[tuple[Step, ...], AfterValidator(_each_once), Listed]
