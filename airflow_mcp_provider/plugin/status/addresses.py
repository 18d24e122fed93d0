"""Addresses of the HTTP API, relative to the API server."""

from __future__ import annotations

from urllib.parse import quote

from airflow_mcp_provider.client.models import PREFIX, Links


def job(name: str) -> str:
    """Return the address of a job."""
    return f"{PREFIX}/jobs/{quote(name, safe='')}"


def run(name: str, run_id: str) -> str:
    """Return the address of a run."""
    return f"{job(name)}/runs/{quote(run_id, safe=':+')}"


def log(name: str, run_id: str, key: str) -> str:
    """Return the address of the log of a subtask; a part of a path that is only dots would be removed from it."""
    path = f"{run(name, run_id)}/subtasks"
    return f"{path}/-/logs?key={key}" if key in {".", ".."} else f"{path}/{quote(key, safe='')}/logs"


def ui(name: str, run_id: str) -> str:
    """Return the address of a run in Airflow's UI."""
    return f"/dags/{quote(name, safe='')}/runs/{quote(run_id, safe=':+')}"


def instance(name: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the address of a mapped task instance in Airflow's UI: the page with its log."""
    return f"{ui(name, run_id)}/tasks/{quote(task_id, safe='')}/mapped/{map_index}"


def links(name: str, run_id: str) -> Links:
    """Return the addresses that the document of a run has."""
    own = run(name, run_id)
    return Links(
        self=own,
        subtasks=f"{own}/subtasks",
        events=f"{own}/events",
        logs=f"{own}/logs",
        job=job(name),
        ui=ui(name, run_id),
    )
