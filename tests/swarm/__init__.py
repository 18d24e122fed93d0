"""Hundreds of simulated runners on a real Airflow, for benchmarks and integration tests.

Scheduler, API server and Postgres are real. The runners are coroutines of one process (``runners``) that ask the API
server what a real runner asks, at the same moments; no Python starts, no DAG is parsed, nothing forks. What a load is,
tells ``load``; ``measure`` runs one and tells what came of it.
"""
