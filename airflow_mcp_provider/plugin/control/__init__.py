"""What users do to a run or a job: cancel, retry, priority, parallelism, pause, delete; and which ended runs are kept.

Runs in the API server, behind ``plugin.http_api``; the retention runs in the scheduler.
"""
