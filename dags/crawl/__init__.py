"""Follow the links of a site: a page a subtask, its URL the key, so that each is visited once.

Three plain functions that ``jobs/crawl_site.yaml`` names; ``docs/templates/crawl_site.md`` tells their results.
"""

from .report import summary
from .subtasks import plan, visit

__all__ = ["plan", "summary", "visit"]
