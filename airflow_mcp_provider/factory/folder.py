"""The DAGs of a folder of job specs, loaded by a DAG file of three lines.

Runs in the DAG processor for all of them; a runner reads the one job that it serves. A spec that is wrong becomes an
import error of its own, under its own file's name, and takes no other job down.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory.broken_job import BrokenJob, broken_id
from airflow_mcp_provider.factory.dag import build_dag
from airflow_mcp_provider.spec import load_job, named_twice, placed, spec_files


def load_dags(folder: str | Path) -> dict[str, DAG]:
    """Return the DAG of each job spec below ``folder`` by job id, for a DAG file's ``globals()``.

    ``spec.folder`` says which files are job specs. Airflow passes over a DAG file without the word "dag" in it
    (``[core] dag_discovery_safe_mode``): this function's name has it. Raises SpecError when there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise SpecError(f"{root}: no such folder of job specs")
    paths = _wanted(root)
    twins = named_twice(paths)
    loaded = {path: twins.get(path) or _load(path) for path in paths}
    dags = {one.dag_id: one for one in loaded.values() if isinstance(one, DAG)}
    for path, error in loaded.items():
        if isinstance(error, SpecError):
            name = broken_id(path, dags)
            dags[name] = BrokenJob(name, path, error)
    return dags


load_jobs = load_dags
"""The name of before; with it a DAG file needs the word "dag" somewhere else."""


def _wanted(root: Path) -> list[Path]:
    """Return all specs, in a runner the one of its job."""
    paths = spec_files(root)
    dag_id = get_parsing_context().dag_id
    return next(([path] for path in paths if path.stem == dag_id), paths)


def _load(path: Path) -> DAG | SpecError:
    try:
        return build_dag(load_job(path))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one job stays with it
        return placed(error, path)
