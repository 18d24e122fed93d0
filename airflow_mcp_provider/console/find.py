"""Which run the arguments of a command name: ``RUN``, ``JOB RUN`` or ``JOB latest``."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from http import HTTPStatus
from itertools import islice
from typing import NamedTuple

from airflow_mcp_provider.client import JobClient
from airflow_mcp_provider.console.arguments import LATEST
from airflow_mcp_provider.errors import AccessDenied, InvalidRequest, NotFound

JOBS = 1000
"""The largest number of jobs among which a similar name is looked for."""


class Named(NamedTuple):
    """A run, and the key of a subtask of it."""

    job: str
    run: str
    key: str | None = None


def run(client: JobClient, names: Sequence[str]) -> Named:
    """Return the run that one or two names mean; raises NotFound and InvalidRequest."""
    if len(names) > 2:  # noqa: PLR2004 - JOB RUN
        raise _usage(f"unexpected argument {names[2]!r}; expected [JOB] RUN")
    return _of_job(client, *names) if len(names) == 2 else _alone(client, names[0])  # noqa: PLR2004 - likewise


def subtask(client: JobClient, names: Sequence[str]) -> Named:
    """Return the run and the subtask that one to three names mean: [JOB] RUN [KEY]."""
    if len(names) > 3:  # noqa: PLR2004 - JOB RUN KEY
        raise _usage(f"unexpected argument {names[3]!r}; expected [JOB] RUN [KEY]")
    if len(names) == 3:  # noqa: PLR2004 - likewise
        return _of_job(client, names[0], names[1])._replace(key=names[2])
    if len(names) == 2 and names[1] != LATEST and _jobs_of(client, names[0]):  # noqa: PLR2004 - RUN KEY
        return _alone(client, names[0])._replace(key=names[1])
    return run(client, names)


def _of_job(client: JobClient, job: str, run: str) -> Named:
    if run != LATEST:
        return Named(job, run)
    latest = next(client.runs(job, page=1), None)
    if latest is None:
        raise NotFound(f"the job {job} has no run yet", url=job, next_step=f"submit one: mcp-jobs submit {job}")
    return Named(job, latest.run)


def _alone(client: JobClient, run: str) -> Named:
    jobs = _jobs_of(client, run)
    if len(jobs) > 1:
        raise _usage(f"the run {run} exists in several jobs: {', '.join(jobs)}; expected JOB RUN")
    if not jobs:
        step = f"list the runs of a job: mcp-jobs list JOB{_hint(client, run)}"
        raise NotFound(f"run {run!r} not found", url=run, next_step=step)
    return Named(jobs[0], run)


def _jobs_of(client: JobClient, run: str) -> list[str]:
    """Return the jobs that have a run with this id.

    A user who may not list the runs of all DAGs gets those among the latest runs of the jobs that are visible.
    """
    try:
        return [one.job for one in client.find_runs(run)]
    except AccessDenied as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            raise
        return [one.job for one in client.jobs() if run in {last.run for last in one.last}]


def _hint(client: JobClient, name: str) -> str:
    similar = near(client, name)
    return f"; or did you mean the job {similar[0]}: {similar[0]} {LATEST}" if similar else ""


def near(client: JobClient, name: str) -> list[str]:
    """Return the ids of jobs that are similar to a name, the most similar one first."""
    return get_close_matches(name, [one.job for one in islice(client.jobs(), JOBS)])


def with_near_jobs(client: JobClient, job: str, error: NotFound) -> NotFound:
    """Add similar names to the next step of an error, if the job does not exist."""
    try:
        client.job(job)
    except NotFound:
        if similar := ", ".join(near(client, job)):
            error.next_step = f"did you mean {similar}?"
    return error


def _usage(text: str) -> InvalidRequest:
    return InvalidRequest(text, url="[JOB] RUN", next_step="change the arguments")
