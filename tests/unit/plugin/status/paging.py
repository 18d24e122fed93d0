"""All pages of the subtasks of a run."""

from airflow_mcp_provider.plugin.status import subtask_documents
from airflow_mcp_provider.plugin.status.subtask_rows import Wanted


def pages(session, row, wanted=Wanted(), step=None, limit=2):  # noqa: B008 - it is frozen
    """Return the subtasks of all pages, which have ``limit`` at most."""
    found, cursor = [], None
    while True:
        page = subtask_documents.page(session, row, wanted, step, cursor, limit)
        found += page.subtasks
        assert len(page.subtasks) <= limit
        if (cursor := page.next) is None:
            return found


def keys(*args, **more):
    """Return their keys."""
    return [one.key for one in pages(*args, **more)]
