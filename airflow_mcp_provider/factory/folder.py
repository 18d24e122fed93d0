"""A folder of job specs, loaded by a DAG file of three lines.

Runs in the DAG processor for all of them; a runner reads the one job that it serves. A spec that is wrong becomes an
import error of its own, under its own file's name, and takes no other job down.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory.broken import BrokenJob
from airflow_mcp_provider.factory.dag import build_dag
from airflow_mcp_provider.spec import load_job, placed

ENDINGS = (".yaml", ".yml")


def load_jobs(folder: str | Path) -> dict[str, DAG]:
    """Return the DAG of every ``*.yaml`` in ``folder`` by job id, for a DAG file's ``globals()``.

    Raises SpecError when there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise SpecError(f"{root}: no such folder of job specs")
    first: dict[str, Path] = {}
    dags: list[DAG] = []
    for path in _wanted(root):
        twin = first.setdefault(path.stem, path)
        dags.append(_load(path) if twin == path else BrokenJob(path, _named_twice(path, twin)))
    return {dag.dag_id: dag for dag in dags}


def _named_twice(path: Path, twin: Path) -> SpecError:
    return SpecError(f"{path}: has the job id of {twin.name}; given {path.stem}; allowed one file for each job id")


def _wanted(root: Path) -> list[Path]:
    dag_id = get_parsing_context().dag_id
    if dag_id is not None:
        one = [root / f"{dag_id}{ending}" for ending in ENDINGS]
        if found := [path for path in one if path.is_file()]:
            return found
    return sorted(path for path in root.iterdir() if path.suffix in ENDINGS and not path.name.startswith("."))


def _load(path: Path) -> DAG:
    try:
        return build_dag(load_job(path))
    except SpecError as error:
        return BrokenJob(path, _placed(error, path))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one job stays with it
        return BrokenJob(path, SpecError(f"{path}: cannot be loaded: {type(error).__name__}: {error}"))


def _placed(error: SpecError, path: Path) -> Exception:
    try:
        return placed(error, path)
    except Exception:  # noqa: BLE001 - the file may have changed; its first error is still true
        return error
