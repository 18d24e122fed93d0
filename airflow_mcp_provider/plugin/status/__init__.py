"""Documents about jobs, runs and subtasks, read from the database: a bounded number of queries each.

Runs in the API server. The models are those of ``client.models``; ``plugin.http_api`` sends them.
"""
