"""A job as its author writes it: what to plan, run and report, and within which bounds.

Built from a YAML file by ``load``, or in Python; the factory makes one DAG of it. It says what, never how:
nothing of Airflow is known here.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.limits import Queue, Retries, Subtasks, Timeouts
from airflow_mcp_provider.spec.params import Params
from airflow_mcp_provider.spec.part import Part, Rare
from airflow_mcp_provider.spec.pod import Pod
from airflow_mcp_provider.spec.values import Listed, Text
from airflow_mcp_provider.spec.work import Items, PlanField, ReportField, RunField

ID = r"^[A-Za-z0-9_.-]{1,200}$"
LONGEST_TAG = 100  # a column of Airflow's
LONGEST_OWNER = 200

Control = Literal["pod", "local"]


def _id(name: str) -> str:
    if not re.fullmatch(ID, name) or not name.strip("."):
        raise fault("is no job id", allowed="letters, digits, - . and _, at most 200, not dots alone")
    return name


def _owner(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_OWNER:
        raise fault("is no name", allowed=f"1 to {LONGEST_OWNER} characters, not blank")
    return name


def _tag(tag: str) -> str:
    if not tag.strip() or len(tag) > LONGEST_TAG:
        raise fault("is no tag", allowed=f"1 to {LONGEST_TAG} characters, not blank")
    return tag


def _each_once(tags: tuple[str, ...]) -> tuple[str, ...]:
    if twice := sorted({tag for tag in tags if tags.count(tag) > 1}):
        raise fault("names a tag twice", given=", ".join(twice), allowed="each tag once")
    return tags


def _room_for_items(subtasks: Subtasks, info: ValidationInfo) -> Subtasks:
    plan = info.data.get("plan")
    if isinstance(plan, Items) and len(plan.items) > subtasks.limit:
        wrong = f"is less than the {len(plan.items)} items of plan"
        raise fault(wrong, given=str(subtasks.limit), allowed="as many as there are items", at=("limit",))
    return subtasks


class JobSpec(Part):
    """A job: one DAG with the tasks plan, run (one instance a subtask) and report."""

    id: Annotated[str, AfterValidator(_id)] = Field(
        description="The job's id and dag_id: the file's stem in YAML.", examples=["crawl_site"]
    )
    description: Text = Field(default="", description="What the job does, for people who look at it in Airflow.")
    owner: Annotated[Text, AfterValidator(_owner)] = Field(default="mcp", description="Who answers for the job.")
    tags: Annotated[tuple[Annotated[Text, AfterValidator(_tag)], ...], AfterValidator(_each_once), Listed] = Field(
        default=(), description="Tags of the DAG, for filtering in Airflow."
    )
    params: Params = Field(
        default_factory=dict,
        validate_default=True,
        description="JSON Schema properties by name: the trigger form, and what a caller may send in conf.",
    )
    plan: PlanField = Field(description="Finds the first subtasks.", examples=[{"python": "my_pkg.crawl:plan"}])
    run: RunField = Field(description="Does the work of one subtask.", examples=[{"python": "my_pkg.crawl:visit"}])
    report: ReportField | None = Field(default=None, description="Folds all outcomes into the job's result.")
    # Defaults are constructed without validation, so that importing this builds no validators.
    subtasks: Annotated[Subtasks, AfterValidator(_room_for_items)] = Field(
        default=Subtasks.model_construct(),
        validate_default=True,
        description="How the run may grow, and how many failures it bears.",
    )
    retries: Retries = Field(
        default=Retries.model_construct(), description="Whether and when a failed subtask is tried again."
    )
    timeouts: Timeouts = Field(
        default=Timeouts.model_construct(), description="How long a subtask and the run may take."
    )
    queue: Queue = Field(default=Queue.model_construct(), description="How the job's runs queue.")
    pod: Annotated[Pod | None, Rare(Pod)] = Field(
        default=None, description="How the pods of its runners look, where runners are pods."
    )
    control: Control = Field(
        default="pod",
        description=(
            "Where plan and report run: in a pod as the subtasks do, or (local) in the scheduler, which must have the "
            "LocalExecutor beside the KubernetesExecutor."
        ),
    )
