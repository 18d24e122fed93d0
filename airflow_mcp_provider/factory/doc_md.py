"""The documentation (``doc_md``) of a job's DAG, made from its spec.

It contains no arguments of commands, no secrets and no environment variables.
"""

from __future__ import annotations

from airflow_mcp_provider.constants import DOC_TABLE
from airflow_mcp_provider.runtime.markdown import code
from airflow_mcp_provider.spec import (
    CommandWork,
    ContainerWork,
    Items,
    JobSpec,
    JobWork,
    Plan,
    PythonWork,
    Step,
    SubtaskWork,
    human,
    printable,
)


def page(spec: JobSpec) -> str:
    """Return the documentation as Markdown: the description, and a table of the tasks and limits."""
    facts = [
        ("plan", _summary(spec.plan)),
        *((step.name, _summary(step.run) + _waits(step)) for step in spec.each_step),
        ("report", _summary(spec.report) if spec.report else "counts and failures"),
        ("subtasks", _subtasks(spec)),
        ("attempts", f"{spec.retries.attempts}, first retry after {human(spec.retries.delay)}"),
        ("timeouts", _timeouts(spec)),
        ("priority", str(spec.queue.priority) if spec.queue.priority else ""),
    ]
    table = "\n".join(f"| {name} | {text} |" for name, text in facts if text)
    return f"{spec.description.strip()}\n\n{DOC_TABLE}{table}\n".lstrip()


def _summary(work: Plan | SubtaskWork) -> str:
    if isinstance(work, JobWork):
        return f"a run of the job {_code(work.job)}"
    if isinstance(work, PythonWork):
        return _code(work.python)
    if isinstance(work, Items):
        return f"{len(work.items)} items"
    if isinstance(work, ContainerWork):
        return f"a container of {_code(work.container.image)}"
    return f"the command {_code(work.command[0])}" if isinstance(work, CommandWork) else "a shell script"


def _code(value: str) -> str:
    """Return a value of the spec as the code of one table cell."""
    return code(printable(value)).replace("|", r"\|")


def _waits(step: Step) -> str:
    return ", after the end of all previous steps" if step.wait else ""


def _subtasks(spec: JobSpec) -> str:
    bounds = spec.subtasks
    parts = [
        f"key {_code(bounds.key)}" if bounds.key else "",
        f"{bounds.parallelism} at the same time" if bounds.parallelism else "",
        f"up to {bounds.batch} per task instance" if bounds.batch > 1 else "",
        f"at most {bounds.limit}",
        f"{bounds.tolerate} may fail",
        *(f"may include runs of the job {_code(job)}" for job in bounds.jobs),
    ]
    return ", ".join(part for part in parts if part)


def _timeouts(spec: JobSpec) -> str:
    bounds = spec.timeouts
    limits = {"soft": bounds.soft, "hard": bounds.hard, "run": bounds.run, "queue": bounds.queue}
    return ", ".join(f"{name} {human(limit)}" for name, limit in limits.items() if limit)
