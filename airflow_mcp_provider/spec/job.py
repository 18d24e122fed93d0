"""The job spec as its author writes it: what to plan, run and report, and with which limits.

Built from a YAML file by ``load``, or in Python. The factory makes one DAG from it. This package imports nothing of
Airflow.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from airflow_mcp_provider.spec import job_id
from airflow_mcp_provider.spec.batch_rules import check_job, check_step
from airflow_mcp_provider.spec.durations import human
from airflow_mcp_provider.spec.faults import fault, shown
from airflow_mcp_provider.spec.limits import Retries, Subtasks, Timeouts
from airflow_mcp_provider.spec.model import Part, Rare
from airflow_mcp_provider.spec.notify import On
from airflow_mcp_provider.spec.params import Params, check_conf
from airflow_mcp_provider.spec.pod import Pod
from airflow_mcp_provider.spec.queue import Queue
from airflow_mcp_provider.spec.schedule import Schedule
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

LONGEST_TAG = 100  # the length of a column in Airflow's database
LONGEST_OWNER = 200

Control = Literal["pod", "local"]

_RUN_EXAMPLE = '{"python": "my_pkg.crawl:visit"}'
_ITSELF = "circular call of the job"
_ANOTHER = "another job (a job cannot wait for itself)"


def _owner(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_OWNER:
        raise fault("invalid owner", expected=f"1 to {LONGEST_OWNER} characters, not blank")
    return name


def _tag(tag: str) -> str:
    if not tag.strip() or len(tag) > LONGEST_TAG:
        raise fault("invalid tag", expected=f"1 to {LONGEST_TAG} characters, not blank")
    return tag


def _each_once(tags: tuple[str, ...]) -> tuple[str, ...]:
    if twice := sorted({tag for tag in tags if tags.count(tag) > 1}):
        raise fault("duplicate tag", given=", ".join(map(shown, twice)), expected="each tag once")
    return tags


def _run_or_steps(run: object, info: ValidationInfo) -> object:
    steps = info.data.get("steps")
    if run is None and steps == ():
        raise fault("missing required key", given="", expected=f"run, for example {_RUN_EXAMPLE}, or steps")
    if run is not None and steps:
        raise fault("conflict with steps", given="", expected="either run or steps, not both")
    return run


def _not_itself(work: SubtaskWork | None, info: ValidationInfo) -> SubtaskWork | None:
    if isinstance(work, JobWork) and work.job == info.data.get("id"):
        raise fault(_ITSELF, given=work.job, expected=_ANOTHER, at=("job",))
    return work


def _each_fitting(steps: tuple[Step, ...], info: ValidationInfo) -> tuple[Step, ...]:
    for place, step in enumerate(steps):
        if isinstance(step.run, JobWork) and step.run.job == info.data.get("id"):
            raise fault(_ITSELF, given=step.run.job, expected=_ANOTHER, at=(place, "run", "job"))
        check_step(step, place)
    return steps


def _fitting(subtasks: Subtasks, info: ValidationInfo) -> Subtasks:
    if any(step.name == subtasks.key for step in info.data.get("steps", ())):
        expected = "another field of the payload (the result of the step would replace this one)"
        raise fault("key with the name of a step:", given=str(subtasks.key), expected=expected, at=("key",))
    if info.data.get("id") in subtasks.jobs:
        raise fault(_ITSELF, given=info.data["id"], expected=_ANOTHER, at=("jobs",))
    check_job(subtasks, info.data.get("run"), info.data.get("steps", ()))
    return _room_for_items(subtasks, info)


def _room_for_items(subtasks: Subtasks, info: ValidationInfo) -> Subtasks:
    plan = info.data.get("plan")
    if isinstance(plan, Items) and len(plan.items) > subtasks.limit:
        expected = f"at least {len(plan.items)}, the number of items in plan"
        raise fault("limit too small:", given=str(subtasks.limit), expected=expected, at=("limit",))
    return subtasks


def _room_for_steps(timeouts: Timeouts, info: ValidationInfo) -> Timeouts:
    hard = [step.timeouts.hard for step in info.data.get("steps", ()) if step.timeouts and step.timeouts.hard]
    if timeouts.run and hard and timeouts.run < max(hard):
        expected = f"at least {human(max(hard))}, the longest timeouts.hard of a step"
        raise fault("time limit too short:", given=human(timeouts.run), expected=expected, at=("run",))
    return timeouts


def _of_params(queue: Queue, info: ValidationInfo) -> Queue:
    params = info.data.get("params", {})
    if unknown := [name for name in queue.unique if name not in params]:
        expected = ", ".join(params) or "a param of the job (it has none)"
        raise fault("unknown param", given=", ".join(map(shown, unknown)), expected=expected, at=("unique",))
    return queue


def _scheduled(schedule: Schedule | None, info: ValidationInfo) -> Schedule | None:
    if schedule and info.data.get("id") in schedule.after:
        expected = "another job (each run would create the next)"
        raise fault(_ITSELF, given=info.data["id"], expected=expected, at=("after",))
    if schedule and "params" in info.data:  # otherwise they have errors of their own
        check_conf(info.data["params"], schedule.conf)
    return schedule


class JobSpec(Part):
    """A job: one DAG with the tasks ``plan``, ``run`` (or one per step) and ``report``.

    ``run`` and the steps are mapped tasks with one task instance per subtask, or per batch of subtasks.
    """

    id: Annotated[str, AfterValidator(job_id.own)] = Field(
        description="The job id and dag_id; for a YAML file its name without the suffix.", examples=["crawl_site"]
    )
    description: Text = Field(
        default="",
        description="What the job does, shown in Airflow's UI. Its first line is the description of the DAG.",
    )
    owner: Annotated[Text, AfterValidator(_owner)] = Field(
        default="mcp", description="The owner of the DAG and its tasks."
    )
    tags: Annotated[tuple[Annotated[Text, AfterValidator(_tag)], ...], AfterValidator(_each_once), Listed] = Field(
        default=(), description="Tags of the DAG, for filters in Airflow's UI."
    )
    params: Params = Field(
        default_factory=dict,
        validate_default=True,
        description="Params of the DAG: a JSON Schema by name, for the trigger form and for a run's conf.",
    )
    plan: PlanField = Field(
        description="Returns the first subtasks of a run.", examples=[{"python": "my_pkg.crawl:plan"}]
    )
    # Before `run`, whose validation looks at it.
    steps: Annotated[Steps, AfterValidator(_each_fitting)] = Field(
        default=(),
        validate_default=True,
        description="Instead of run: the stages that each subtask passes through in sequence.",
    )
    run: Annotated[RunField | None, BeforeValidator(_run_or_steps), AfterValidator(_not_itself)] = Field(
        default=None,
        validate_default=True,
        description="The work of one subtask.",
        examples=[{"python": "my_pkg.crawl:visit"}],
    )
    report: ReportField | None = Field(
        default=None, description="Combines the outcomes of all subtasks into the result of the run."
    )
    # The defaults skip validation, so that the import of this module builds no validators.
    subtasks: Annotated[Subtasks, AfterValidator(_fitting)] = Field(
        default=Subtasks.model_construct(),
        validate_default=True,
        description="The limits of a run's subtasks, and how many of them may fail.",
    )
    retries: Retries = Field(
        default=Retries.model_construct(), description="How often and after which delay a failed subtask is retried."
    )
    timeouts: Annotated[Timeouts, AfterValidator(_room_for_steps)] = Field(
        default=Timeouts.model_construct(), description="The time limits of a subtask and of the run."
    )
    queue: Annotated[Queue, AfterValidator(_of_params)] = Field(
        default=Queue.model_construct(), description="Which runs may be submitted, and in which order they start."
    )
    schedule: Annotated[Schedule | None, Rare(Schedule), AfterValidator(_scheduled)] = Field(
        default=None, description="When runs are created without a person or a program that submits them."
    )
    on: Annotated[On | None, Rare(On)] = Field(
        default=None, description="The notifiers of Airflow that are called when a run fails, succeeds or is late."
    )
    pod: Annotated[Pod | None, Rare(Pod), AfterValidator(one_image)] = Field(
        default=None, description="The pods of the job's tasks, with the KubernetesExecutor."
    )
    control: Control = Field(
        default="pod",
        description=(
            "Where plan and report run. pod: in a pod, as the subtasks do. local: in the scheduler; then [core] "
            "executor must contain the LocalExecutor in addition to the KubernetesExecutor."
        ),
    )

    @property
    def each_step(self) -> tuple[Step, ...]:
        """The steps, with the job's values for what a step does not set; a job with ``run`` has one step, ``run``."""
        if self.run is not None:
            return (self._whole(Step.model_construct(name=RUN, run=self.run)),)
        return tuple(map(self._whole, self.steps))

    @property
    def calls(self) -> tuple[str, ...]:
        """The ids of the jobs that this job runs, or may enqueue, as subtasks."""
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
