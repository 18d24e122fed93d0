"""Where ``subtasks.batch`` cannot be: of work that no runner does in turn."""

from collections.abc import Iterable

from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.limits import Subtasks
from airflow_mcp_provider.spec.step import Step
from airflow_mcp_provider.spec.work import ContainerWork, JobWork, SubtaskWork

_NO_RUNNER = "packs runs of another job, for which no runner waits"
_OWN_POD = "packs containers, each of which is started by a runner of its own"


def check_step(step: Step, place: int) -> None:
    """Raise the fault of the step at ``place`` that packs what cannot be packed."""
    if step.batch > 1 and (wrong := _unpackable(step.run)):
        raise fault(wrong, given=str(step.batch), allowed="1", at=(place, "subtasks", "batch"))


def check_job(subtasks: Subtasks, work: SubtaskWork | None, steps: Iterable[Step]) -> None:
    """Raise the fault of a job whose ``batch`` holds for what cannot be packed."""
    if subtasks.jobs and max([subtasks.batch, *(step.batch for step in steps)]) > 1:
        raise fault("may be enqueued where subtasks are packed", given="", allowed="batch: 1", at=("jobs",))
    if subtasks.batch == 1:
        return
    given = str(subtasks.batch)
    if wrong := _unpackable(work):
        raise fault(wrong, given=given, allowed="1", at=("batch",))
    for step in steps:
        own = step.subtasks.batch if step.subtasks else None
        if own is None and (wrong := _unpackable(step.run)):
            allowed = f"1, here or as subtasks.batch of the step {step.name}"
            raise fault(wrong, given=given, allowed=allowed, at=("batch",))


def _unpackable(work: SubtaskWork | None) -> str:
    if isinstance(work, JobWork):
        return _NO_RUNNER
    return _OWN_POD if isinstance(work, ContainerWork) else ""
