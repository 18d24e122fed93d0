"""The work of the jobs in ``jobs/`` and ``queue/``: small functions of the standard library."""
