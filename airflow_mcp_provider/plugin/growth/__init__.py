"""How subtasks join a run that is running, and what they end with.

Runs in the API server; its door is ``plugin.growth.backend``.
"""
