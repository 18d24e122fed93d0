"""The template ``fit_report``: a line through each group of a data set, by a heavy command.

``subtasks`` has the functions that the job names, ``line`` is the command, ``files`` what both write with.
"""

from .subtasks import plan, summary

__all__ = ["plan", "summary"]
