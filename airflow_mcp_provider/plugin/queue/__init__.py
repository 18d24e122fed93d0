"""The queue of a job: which of its runs starts next, one at a time.

Runs in the scheduler, and in the API server when a user ends a run. Its entry point is ``plugin.listener``.
"""
