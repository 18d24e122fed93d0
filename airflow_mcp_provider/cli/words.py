"""Parts of a job spec in words, for ``airflow mcp explain``: one fact a line. Without arguments that may be secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_mcp_provider.spec import (
    CommandWork,
    ContainerWork,
    Items,
    JobSpec,
    JobWork,
    PythonWork,
    human,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_mcp_provider.spec import Plan, StepTimeouts, SubtaskWork
    from airflow_mcp_provider.spec.schedule import Schedule

Lines = tuple[str, ...]


def work(done: Plan | SubtaskWork | None) -> str:
    """Return what a task does."""
    if done is None:
        return "counts and failures"
    if isinstance(done, PythonWork):
        return f"python {done.python}"
    if isinstance(done, CommandWork):
        return f"command {printable(done.command[0])}"
    if isinstance(done, ContainerWork):
        return f"container {printable(done.container.image)}"
    if isinstance(done, JobWork):
        return f"a run of the job {done.job}"
    return f"{len(done.items)} items" if isinstance(done, Items) else "a shell script"


def time_limits(limits: StepTimeouts, *, run: bool = True) -> str:
    """Return the time limits that are set; ``run``: also those of the run and of the queue."""
    names = ("soft", "hard", *(("run", "queue") if run else ()))
    found = [(name, getattr(limits, name, None)) for name in names]
    return ", ".join(f"{name} {human(limit)}" for name, limit in found if limit)


def queue(spec: JobSpec) -> Lines:
    """Return the rules of the queue."""
    return ("one active run", *(line for line in _queue(spec) if line))


def _queue(spec: JobSpec) -> Iterator[str]:
    rules = spec.queue
    yield f"priority {rules.priority}"
    yield "" if rules.overlap == "queue" else f"a run submitted while another is active: {rules.overlap}"
    yield f"at most {rules.max_pending} queued runs" if rules.max_pending else ""
    yield f"at most {rules.per_submitter} queued and running runs of a user" if rules.per_submitter else ""
    yield f"at most {rules.rate}" if rules.rate else ""
    yield f"one queued run for each value of {', '.join(rules.unique)}" if rules.unique else ""
    yield f"no run starts with less than {rules.memory} of memory" if rules.memory else ""
    yield f"ended runs are kept: {rules.model_dump(mode='json')['keep']}" if rules.keep else ""
    yield f"a run that is queued for {human(spec.timeouts.queue)} fails" if spec.timeouts.queue else ""


def schedule(spec: JobSpec, description: str) -> Lines:
    """Return when runs are created; ``description`` is that of the timetable."""
    if spec.schedule is None:
        return ("no schedule: runs are submitted",)
    return tuple(line for line in (_when(spec.schedule, description), *_rules(spec.schedule)) if line)


def _when(rules: Schedule, description: str) -> str:
    if rules.after:
        return f"after each of these jobs has completed a run: {', '.join(rules.after)}"
    if (watch := rules.watch) is None:
        return description
    look = f"checked every {human(watch.every)}, with a time limit of {human(watch.timeout)}"
    if watch.queue:
        return f"when a message is in {printable(watch.queue.partition('?')[0])}"
    done = f"python {watch.python}" if watch.python else f"command {printable((watch.command or ('',))[0])}"
    return f"when {done} reports pending work, {look}"


def _rules(rules: Schedule) -> Iterator[str]:
    many = rules.cron or rules.every
    yield f"starts up to {human(rules.jitter)} later" if rules.jitter else ""
    yield f"dropped when it cannot start within {human(rules.misfire_grace)}" if rules.misfire_grace else ""
    if many:
        yield (
            "missed dates have one run together, that of the latest" if rules.coalesce else "each missed date has a run"
        )
    yield f"with the params {', '.join(rules.conf)}" if rules.conf else ""


def notifications(spec: JobSpec) -> Lines:
    """Return the notifiers by event."""
    found = []
    for event in type(spec.on).model_fields if spec.on else ():
        for one in getattr(spec.on, event):
            after = getattr(one, "after", None)
            found.append(f"{event}{f' after {human(after)}' if after else ''}: {one.notifier}")
    return tuple(found)
