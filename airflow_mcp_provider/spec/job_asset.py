"""The asset of a job, which gets an event when a run of the job has completed: its name and URI.

``schedule.after`` of another job is a list of them (``factory.assets``). ``plugin.schedules.completed`` makes the
events.
"""

SCHEME = "x-mcp-job"
"""Airflow stores a URI whose scheme begins with ``x-`` unchanged; see ``_sanitize_uri`` of its assets."""


def name_and_uri(job_id: str) -> tuple[str, str]:
    """Return the name and the URI of the asset of a job."""
    return f"job {job_id} completed", f"{SCHEME}://{job_id}"
