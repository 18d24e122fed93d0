"""Drain a queue: take what is pending, book each message once, end.

Three plain functions that ``jobs/drain_queue.yaml`` names; ``docs/templates/drain_queue.md`` tells their results.
"""

from .subtasks import drain, plan, summary

__all__ = ["drain", "plan", "summary"]
