"""The page that Airflow shows beside a job's DAG, made from its spec.

Only what the author wrote for people: what a command is called with, secrets and environment are not on it.
"""

from __future__ import annotations

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
    """Return the page as Markdown."""
    facts = [
        ("plan", _told(spec.plan)),
        *((step.name, _told(step.run) + _waits(step)) for step in spec.each_step),
        ("report", _told(spec.report) if spec.report else "counts and failures"),
        ("subtasks", _subtasks(spec)),
        ("attempts", f"{spec.retries.attempts}, {human(spec.retries.delay)} apart at first"),
        ("timeouts", _timeouts(spec)),
        ("priority", str(spec.queue.priority) if spec.queue.priority else ""),
    ]
    table = "\n".join(f"| {name} | {told} |" for name, told in facts if told)
    return f"{spec.description.strip()}\n\n| | |\n| --- | --- |\n{table}\n".lstrip()


def _told(work: Plan | SubtaskWork) -> str:
    if isinstance(work, JobWork):
        return f"a run of the job {_code(work.job)}"
    if isinstance(work, PythonWork):
        return _code(work.python)
    if isinstance(work, Items):
        return f"{len(work.items)} items"
    if isinstance(work, ContainerWork):
        return f"a container of {_code(work.container.image)}"
    return f"the command {_code(work.command[0])}" if isinstance(work, CommandWork) else "a shell text"


def _code(value: str) -> str:
    """Return a value of the spec as one cell of the table has it."""
    return code(printable(value)).replace("|", r"\|")


def _waits(step: Step) -> str:
    return ", after all of the steps before it" if step.wait else ""


def _subtasks(spec: JobSpec) -> str:
    bounds = spec.subtasks
    parts = [
        f"key {_code(bounds.key)}" if bounds.key else "",
        f"{bounds.parallelism} at once" if bounds.parallelism else "",
        f"{bounds.batch} a runner" if bounds.batch > 1 else "",
        f"at most {bounds.limit}",
        f"{bounds.tolerate} may fail",
        *(f"runs of the job {_code(job)} among them" for job in bounds.jobs),
    ]
    return ", ".join(part for part in parts if part)


def _timeouts(spec: JobSpec) -> str:
    bounds = spec.timeouts
    limits = {"soft": bounds.soft, "hard": bounds.hard, "run": bounds.run, "queue": bounds.queue}
    return ", ".join(f"{name} {human(limit)}" for name, limit in limits.items() if limit)
