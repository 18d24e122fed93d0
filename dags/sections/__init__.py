"""The job ``write_sections``: a document, a section a subtask, each searched for, written and reviewed.

``plan``, ``search``, ``write``, ``review`` and ``summary`` are what ``jobs/write_sections.yaml`` names. They are plain
functions; nothing here knows Airflow.
"""

from sections.stages import NothingFound, plan, review, search, summary, write

__all__ = ["NothingFound", "plan", "review", "search", "summary", "write"]
