"""A client of ``/job-control/v1``: submit, watch and cancel runs from any program. Imports nothing of Airflow.

    with JobClient("http://localhost:8080", token=token) as jobs:
        run = jobs.submit("inventory", {"path": "/usr/share"}).run
        print(jobs.wait("inventory", run).result)

``AsyncJobClient`` has the same methods as coroutines and asynchronous iterators. A name is imported when it is used:
a program that imports this package does not wait for httpx and pydantic before it needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_mcp_provider.client.async_client import AsyncJobClient
    from airflow_mcp_provider.client.models import (
        Accepted,
        Cancelled,
        Job,
        JobSummary,
        Retried,
        Run,
        RunState,
        RunSummary,
        Subtask,
        SubtaskState,
    )
    from airflow_mcp_provider.client.streams import LogLine
    from airflow_mcp_provider.client.sync_client import JobClient

__all__ = [
    "Accepted",
    "AsyncJobClient",
    "Cancelled",
    "Job",
    "JobClient",
    "JobSummary",
    "LogLine",
    "Retried",
    "Run",
    "RunState",
    "RunSummary",
    "Subtask",
    "SubtaskState",
]
_MODULES = {"AsyncJobClient": "async_client", "JobClient": "sync_client", "LogLine": "streams"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'models')}"), name)
