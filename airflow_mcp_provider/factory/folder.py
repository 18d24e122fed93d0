"""Load the DAGs of a folder of job specs from a DAG file.

Runs in the DAG processor for all specs; a runner loads only its own job, with the spec of its run (``run_spec``). An
invalid spec becomes an import error with the path of its own file, and the other jobs are loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import run_spec
from airflow_mcp_provider.factory.broken_job import BrokenJob, broken_id
from airflow_mcp_provider.factory.dag import build_dag
from airflow_mcp_provider.spec import FolderDefaults, duplicate_ids, load_job, spec_files, with_location


def load_dags(folder: str | Path) -> dict[str, DAG]:
    """Return the DAG of each job spec below ``folder`` by job id, for a DAG file's ``globals()``.

    ``spec.folder`` defines which files are job specs. Airflow ignores a DAG file that does not contain the word "dag"
    (``[core] dag_discovery_safe_mode``); the name of this function contains it. Raises SpecError when the folder does
    not exist.
    """
    root = Path(folder)
    if not root.is_dir():
        raise SpecError(f"{root}: folder of job specs not found")
    paths = spec_files(root)
    job = get_parsing_context().dag_id
    return _load_all(paths, root) if job is None else _load_one(job, paths, root)


load_jobs = load_dags
"""The former name of ``load_dags``; a DAG file that uses it must contain the word "dag" elsewhere."""


def _load_one(job: str, paths: Sequence[Path], root: Path) -> dict[str, DAG]:
    """Return in a runner the DAG of its job; all DAGs where the job is none of the folder."""
    found = _load_all([path for path in paths if path.stem == job][:1], root)
    if _has_task(found.get(job)):
        return found
    if (spec := run_spec.ask()) is not None:  # the file is broken, renamed or removed since its run started
        return {job: build_dag(spec)}
    return found or _load_all(paths, root)


def _has_task(dag: DAG | None) -> bool:
    task = get_parsing_context().task_id
    return dag is not None and (task is None or task in dag.task_dict)


def _load_all(paths: Sequence[Path], root: Path) -> dict[str, DAG]:
    duplicates, defaults = duplicate_ids(paths), FolderDefaults(root)
    loaded = {path: duplicates.get(path) or _load(path, defaults) for path in paths}
    dags = {one.dag_id: one for one in loaded.values() if isinstance(one, DAG)}
    for path, error in loaded.items():
        if isinstance(error, SpecError):
            name = broken_id(path, dags)
            dags[name] = BrokenJob(name, path, error)
    return dags


def _load(path: Path, defaults: FolderDefaults) -> DAG | SpecError:
    try:
        return build_dag(load_job(path, defaults))
    except Exception as error:  # noqa: BLE001 - an error of one job must not affect the others
        return with_location(error, path, defaults)
