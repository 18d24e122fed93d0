"""A step: a stage of a job, with its own work, bounds and task in the DAG.

Built when a spec is read. What a step leaves out it takes from the job (``JobSpec.each_step``), so that a job of five
steps says its retries once.
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
"""The one step of a job that has ``run``."""

_TAKEN = frozenset({"plan", "report"})


def _name(name: str) -> str:
    # A step's result is a value of the subtask for the steps after it, so {name} and $MCP_SUBTASK_NAME must work.
    if not re.fullmatch(NAME, name, re.ASCII):
        raise fault("is no name of a step", allowed="letters, digits and _, no digit first, at most 100")
    if name in _TAKEN:
        raise fault("is the name of another task of the job", allowed="any name but plan and report")
    return name


class StepSubtasks(Part):
    """The bounds of one step; what is not given is as in the job's ``subtasks``."""

    parallelism: Parallelism[int | None] = Field(
        default=None, description="How many subtasks of this step run at once; that of the job holds for all steps."
    )
    batch: Batch[int | None] = Field(default=None, description="How many subtasks a runner of this step takes.")
    depth: Depth[int | None] = Field(default=None, description="How many generations may follow its first subtasks.")
    limit: Limit[int | None] = Field(default=None, description="How many subtasks this step may have.")


class Step(Part):
    """A stage of a job: a mapped task of its own."""

    name: Annotated[str, AfterValidator(_name)] = Field(
        description="The step's name: its task in the DAG, and where the steps after it find its result.",
        examples=["search"],
        json_schema_extra={"pattern": NAME},
    )
    run: RunField = Field(
        description="Does this step's work of one subtask.", examples=[{"python": "my_pkg.sections:search"}]
    )
    wait: Literal["all"] | None = Field(
        default=None,
        description="all: this step begins when the steps before it are over; else a subtask waits for nobody.",
    )
    subtasks: StepSubtasks | None = Field(default=None, description="How this step may grow.")
    retries: Retries | None = Field(default=None, description="In place of the job's retries.")
    pod: Annotated[Pod | None, Rare(Pod), AfterValidator(one_image)] = Field(
        default=None, description="In place of the job's pod."
    )
    timeouts: StepTimeouts | None = Field(default=None, description="In place of the job's soft and hard.")

    @property
    def batch(self) -> int:
        """How many subtasks a runner takes, as far as the step says it (all of it: ``JobSpec.each_step``)."""
        return (self.subtasks and self.subtasks.batch) or 1


def _each_once(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    names = [step.name for step in steps]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise fault("names a step twice", given=", ".join(twice), allowed="each name once")
    if len(steps) > MOST_STEPS:
        raise fault("has too many steps", given=str(len(steps)), allowed=f"at most {MOST_STEPS}")
    if steps and steps[0].wait:
        raise fault("waits for the steps before it, and is the first", given="", allowed="no wait", at=(0, "wait"))
    return steps


Steps = Annotated[tuple[Step, ...], AfterValidator(_each_once), Listed]
