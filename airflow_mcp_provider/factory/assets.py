"""The assets of jobs: what a job's report emits, and what ``schedule.after`` of another job waits for.

Runs in the DAG processor, and in the runner of a report.
"""

from __future__ import annotations

from airflow.sdk import Asset

SCHEME = "x-mcp-job"
"""Airflow stores a URI whose scheme begins with ``x-`` unchanged; see ``_sanitize_uri`` of its assets."""


def completed(job_id: str) -> Asset:
    """Return the asset that gets an event when a run of the job ``job_id`` has completed."""
    return Asset(name=f"job {job_id} completed", uri=f"{SCHEME}://{job_id}")
