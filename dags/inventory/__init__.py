"""Walk a directory tree: what is in it by language, its largest files, its duplicates.

Three plain functions that ``jobs/inventory.yaml`` names; ``docs/inventory.md`` tells their results.
"""

from .report import summary
from .subtasks import plan, visit

__all__ = ["plan", "summary", "visit"]
