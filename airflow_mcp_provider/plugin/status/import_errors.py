"""The import errors of jobs: of their specs, or of the files that define their DAGs.

A file may define many jobs. Its trace is for those who may read import errors; of the others' specs it says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mcp_provider.plugin.status.airflow_internals import ParseImportError
from airflow_mcp_provider.plugin.status.job_rows import JobRow

MOST_ERRORS = 1000
"""So many import errors are looked at: one per broken file."""
CHARS = 4000
PREFIX = re.compile(r"^[\w.]*(?:SpecError|SerializationError): (?:Failed to serialize DAG '[^']*': )?")
"""What a trace has before the text of a wrong spec: ``factory.broken_job`` raises it."""
HIDDEN = "the spec of the job, or the file of its DAG, has an import error; users who may read import errors see it"


def of(session: Session, jobs: Iterable[JobRow], *, traces: bool) -> dict[str, str]:
    """Return the import error of each job that has one; without ``traces`` only that it has one."""
    query = select(ParseImportError.id, ParseImportError.bundle_name, ParseImportError.filename)
    found = [
        (row[0], row[1], row[2])
        for row in session.execute(query.order_by(ParseImportError.id.desc()).limit(MOST_ERRORS))
    ]
    numbers = {job.job: number for job in jobs if (number := _error_of(job, found)) is not None}
    return _traces(session, numbers) if traces and numbers else dict.fromkeys(numbers, HIDDEN)


def _traces(session: Session, numbers: dict[str, int]) -> dict[str, str]:
    query = select(ParseImportError.id, ParseImportError.stacktrace).where(ParseImportError.id.in_(numbers.values()))
    found = {number: text or "" for number, text in session.execute(query)}
    return {job: own_part(job, found.get(number, "")) for job, number in numbers.items()}


def _error_of(job: JobRow, found: Iterable[tuple[int, str | None, str | None]]) -> int | None:
    """Look for the file of the DAG, and for a spec: its import error has the path ``…/<job id>.yaml``."""
    specs = {f"{job.job}.yaml", f"{job.job}.yml"}
    for number, bundle, file in found:
        if bundle == job.bundle and (file == job.file or (file or "").rpartition("/")[2] in specs):
            return number
    return None


def own_part(job: str, trace: str) -> str:
    """Return the lines of a trace that name the job's spec, ``…/<job id>.yaml``; where none does, its end."""
    named = re.compile(rf"(?:^|[/\\\s]){re.escape(job)}\.ya?ml\b")
    mine = dict.fromkeys(PREFIX.sub("", line.strip()) for line in trace.splitlines() if named.search(line))
    return ("\n".join(mine) or trace)[-CHARS:]
