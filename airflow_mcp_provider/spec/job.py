"""A job as its author writes it: what to plan, run and report, and within which bounds.

Built from a YAML file by ``load``, or in Python; the factory makes one DAG of it. It says what, never how:
nothing of Airflow is known here.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_core import PydanticKnownError

from airflow_mcp_provider.spec import job_id
from airflow_mcp_provider.spec.batch_rules import check_job, check_step
from airflow_mcp_provider.spec.durations import human
from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.limits import Queue, Retries, Subtasks, Timeouts
from airflow_mcp_provider.spec.model import Part, Rare
from airflow_mcp_provider.spec.params import Params
from airflow_mcp_provider.spec.pod import Pod
from airflow_mcp_provider.spec.step import RUN, Step, Steps, StepSubtasks
from airflow_mcp_provider.spec.values import Listed, Text
from airflow_mcp_provider.spec.work import (
    Items,
    JobWork,
    PlanField,
    ReportField,
    RunField,
    SubtaskWork,
    one_image,
)

LONGEST_TAG = 100  # a column of Airflow's
LONGEST_OWNER = 200

Control = Literal["pod", "local"]


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


def _run_or_steps(run: object, info: ValidationInfo) -> object:
    steps = info.data.get("steps")
    if run is None and steps == ():
        raise PydanticKnownError("missing")
    if run is not None and steps:
        raise fault("stands beside steps", given="", allowed="one of run and steps")
    return run


def _not_itself(work: SubtaskWork | None, info: ValidationInfo) -> SubtaskWork | None:
    if isinstance(work, JobWork) and work.job == info.data.get("id"):
        raise fault(
            "is the job itself, which would wait for itself", given=work.job, allowed="another job", at=("job",)
        )
    return work


def _each_fitting(steps: tuple[Step, ...], info: ValidationInfo) -> tuple[Step, ...]:
    for place, step in enumerate(steps):
        if isinstance(step.run, JobWork) and step.run.job == info.data.get("id"):
            wrong = "is the job itself, which would wait for itself"
            raise fault(wrong, given=step.run.job, allowed="another job", at=(place, "run", "job"))
        check_step(step, place)
    return steps


def _fitting(subtasks: Subtasks, info: ValidationInfo) -> Subtasks:
    if any(step.name == subtasks.key for step in info.data.get("steps", ())):
        wrong = "names a step, whose result would hide it"
        raise fault(wrong, given=str(subtasks.key), allowed="another field of the payload", at=("key",))
    if info.data.get("id") in subtasks.jobs:
        wrong = "names the job itself, which would wait for itself"
        raise fault(wrong, given=info.data["id"], allowed="other jobs", at=("jobs",))
    check_job(subtasks, info.data.get("run"), info.data.get("steps", ()))
    return _room_for_items(subtasks, info)


def _room_for_items(subtasks: Subtasks, info: ValidationInfo) -> Subtasks:
    plan = info.data.get("plan")
    if isinstance(plan, Items) and len(plan.items) > subtasks.limit:
        wrong = f"is less than the {len(plan.items)} items of plan"
        raise fault(wrong, given=str(subtasks.limit), allowed="as many as there are items", at=("limit",))
    return subtasks


def _room_for_steps(timeouts: Timeouts, info: ValidationInfo) -> Timeouts:
    hard = [step.timeouts.hard for step in info.data.get("steps", ()) if step.timeouts and step.timeouts.hard]
    if timeouts.run and hard and timeouts.run < max(hard):
        wrong = "is shorter than hard of a step"
        raise fault(wrong, given=human(timeouts.run), allowed=f"{human(max(hard))} or more", at=("run",))
    return timeouts


class JobSpec(Part):
    """A job: one DAG with the tasks plan, run or its steps (one instance a subtask), and report."""

    id: Annotated[str, AfterValidator(job_id.own)] = Field(
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
    # Before `run`, whose validation looks at it.
    steps: Annotated[Steps, AfterValidator(_each_fitting)] = Field(
        default=(),
        validate_default=True,
        description="In place of run: the stages that each subtask goes through, one after the other.",
    )
    run: Annotated[RunField | None, BeforeValidator(_run_or_steps), AfterValidator(_not_itself)] = Field(
        default=None,
        validate_default=True,
        description="Does the work of one subtask.",
        examples=[{"python": "my_pkg.crawl:visit"}],
    )
    report: ReportField | None = Field(default=None, description="Folds all outcomes into the job's result.")
    # Defaults are constructed without validation, so that importing this builds no validators.
    subtasks: Annotated[Subtasks, AfterValidator(_fitting)] = Field(
        default=Subtasks.model_construct(),
        validate_default=True,
        description="How the run may grow, and how many failures it bears.",
    )
    retries: Retries = Field(
        default=Retries.model_construct(), description="Whether and when a failed subtask is tried again."
    )
    timeouts: Annotated[Timeouts, AfterValidator(_room_for_steps)] = Field(
        default=Timeouts.model_construct(), description="How long a subtask and the run may take."
    )
    queue: Queue = Field(default=Queue.model_construct(), description="How the job's runs queue.")
    pod: Annotated[Pod | None, Rare(Pod), AfterValidator(one_image)] = Field(
        default=None, description="How the pods of its runners look, where runners are pods."
    )
    control: Control = Field(
        default="pod",
        description=(
            "Where plan and report run: in a pod as the subtasks do, or (local) in the scheduler, which must have the "
            "LocalExecutor beside the KubernetesExecutor."
        ),
    )

    @property
    def each_step(self) -> tuple[Step, ...]:
        """The steps, each with all that it takes from the job; of a job with ``run`` it is the one step."""
        if self.run is not None:
            return (self._whole(Step.model_construct(name=RUN, run=self.run)),)
        return tuple(map(self._whole, self.steps))

    @property
    def calls(self) -> tuple[str, ...]:
        """The jobs that it runs as subtasks, or may."""
        works = (step.run for step in self.each_step)
        named = [work.job for work in works if isinstance(work, JobWork)]
        return tuple(dict.fromkeys([*named, *self.subtasks.jobs]))

    def _whole(self, step: Step) -> Step:
        own = step.subtasks or StepSubtasks.model_construct()
        bounds = StepSubtasks.model_construct(
            parallelism=own.parallelism,
            batch=self.subtasks.batch if own.batch is None else own.batch,
            depth=self.subtasks.depth if own.depth is None else own.depth,
            limit=self.subtasks.limit if own.limit is None else own.limit,
        )
        given = {name: getattr(step, name) or getattr(self, name) for name in ("retries", "timeouts", "pod")}
        return step.model_copy(update={"subtasks": bounds, **given})
