"""Admission: whether a run that somebody submits is accepted, the same for every way to submit one.

Runs in every process that creates runs: the API server, the shell (``airflow dags trigger``), the scheduler.
"""
