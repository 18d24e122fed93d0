"""The HTTP API ``/job-control/v1``: submit, watch and control runs of jobs.

A FastAPI application that Airflow mounts in its API server; the plugin builds it when the API server asks for it.
"""
