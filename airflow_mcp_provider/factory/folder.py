"""A folder of job specs, loaded by a DAG file of three lines.

Runs in the DAG processor for all of them; a runner reads the one job that it serves. A spec that is wrong becomes an
import error of its own, under its own file's name, and takes no other job down.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory.broken_job import BrokenJob, broken_id
from airflow_mcp_provider.factory.dag import build_dag
from airflow_mcp_provider.spec import is_spec, load_job, named_twice, placed
from airflow_mcp_provider.spec.folder import ENDINGS


def load_jobs(folder: str | Path) -> dict[str, DAG]:
    """Return the DAG of every ``*.yaml`` in ``folder`` by job id, for a DAG file's ``globals()``.

    Raises SpecError when there is no such folder.
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


def _wanted(root: Path) -> list[Path]:
    dag_id = get_parsing_context().dag_id
    if dag_id is not None:
        one = [root / f"{dag_id}{ending}" for ending in ENDINGS]
        if found := [path for path in one if path.is_file()]:
            return found
    return sorted(path for path in root.iterdir() if is_spec(path))


def _load(path: Path) -> DAG | SpecError:
    try:
        return build_dag(load_job(path))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one job stays with it
        return placed(error, path)
