"""How subtasks join a run that is running, and how they end.

Runs in the API server. Airflow calls ``plugin.growth.backend``.
"""
