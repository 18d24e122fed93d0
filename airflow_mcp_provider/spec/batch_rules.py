"""Checks for ``subtasks.batch``: which forms of work cannot be combined in one task instance."""

from collections.abc import Iterable

from airflow_mcp_provider.spec.faults import fault
from airflow_mcp_provider.spec.limits import Subtasks
from airflow_mcp_provider.spec.step import Step
from airflow_mcp_provider.spec.work import ContainerWork, JobWork, SubtaskWork

_NO_RUNNER = "runs of another job cannot be combined"
_OWN_POD = "containers cannot be combined"
_WRONG = "unsupported batch size"


def check_step(step: Step, place: int) -> None:
    """Raise the error of ``faults.fault`` when the step at index ``place`` has a batch that its work does not allow."""
    if step.batch > 1 and (reason := _reason_for_one(step.run)):
        raise fault(_WRONG, given=str(step.batch), expected=f"1 ({reason})", at=(place, "subtasks", "batch"))


def check_job(subtasks: Subtasks, work: SubtaskWork | None, steps: Iterable[Step]) -> None:
    """Raise the error of ``faults.fault`` when the job has a batch that the work of one of its steps does not allow."""
    if subtasks.jobs and max([subtasks.batch, *(step.batch for step in steps)]) > 1:
        raise fault("conflict with batch", given="", expected=f"batch: 1 ({_NO_RUNNER})", at=("jobs",))
    if subtasks.batch == 1:
        return
    given = str(subtasks.batch)
    if reason := _reason_for_one(work):
        raise fault(_WRONG, given=given, expected=f"1 ({reason})", at=("batch",))
    for step in steps:
        own = step.subtasks.batch if step.subtasks else None
        if own is None and (reason := _reason_for_one(step.run)):
            expected = f"1, here or as subtasks.batch of the step {step.name} ({reason})"
            raise fault(_WRONG, given=given, expected=expected, at=("batch",))


def _reason_for_one(work: SubtaskWork | None) -> str:
    if isinstance(work, JobWork):
        return _NO_RUNNER
    return _OWN_POD if isinstance(work, ContainerWork) else ""
