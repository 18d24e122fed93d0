"""The assets of jobs: what ``schedule.after`` of another job waits for.

Runs in the DAG processor. No task has such an asset as its outlet: the scheduler makes the event when a run has
succeeded (``plugin.schedules.completed``).
"""

from __future__ import annotations

from airflow.sdk import Asset

from airflow_mcp_provider.spec.job_asset import name_and_uri


def completed(job_id: str) -> Asset:
    """Return the asset that gets an event when a run of the job ``job_id`` has completed."""
    name, uri = name_and_uri(job_id)
    return Asset(name=name, uri=uri)
