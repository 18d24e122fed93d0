"""Load a ``JobSpec`` from a YAML file, or raise one ``SpecError`` with all problems of the file.

Runs in the DAG processor and in every runner (each parses its DAG's file). So a valid file costs nothing extra: line
numbers and similar keys are looked up only when there is an error.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec.defaults import FolderDefaults, Layer, Sources, layer
from airflow_mcp_provider.spec.faults import printable
from airflow_mcp_provider.spec.job import JobSpec
from airflow_mcp_provider.spec.problems import combined
from airflow_mcp_provider.spec.spec_file import LARGEST, read_text, unreadable


def load_job(path: str | Path, defaults: FolderDefaults | None = None) -> JobSpec:
    """Return the job of the YAML file at ``path``; the stem of the file name is its id.

    ``defaults`` has the values of ``_defaults.yaml`` in the folders above; without it those of the file's own folder
    apply. Raises SpecError when a file cannot be read or the spec in it is not valid.
    """
    path = Path(path)
    return _job(sources(path, defaults), path.stem)


def sources(path: str | Path, defaults: FolderDefaults | None = None) -> Sources:
    """Return the files that the values of the job at ``path`` are from; raises SpecError for one that is not YAML."""
    path = Path(path)
    if path.suffix == ".py":
        expected = "a YAML file; Airflow and mcp-jobs test check a job in Python when they import its DAG file"
        raise unreadable(printable(path), "a Python file, not a job spec", expected=expected)
    own = _own(read_text(path), printable(path))
    return Sources((*(defaults or FolderDefaults(path.parent)).layers(path), own))


def parse_job(text: str, *, id: str, source: str = "job") -> JobSpec:  # noqa: A002 - the name of the field in the spec
    """Return the job in the YAML ``text``; ``source`` is the file name in error messages.

    Raises SpecError when the spec is not valid.
    """
    return _job(Sources((_own(text, source),)), id)


def with_location(error: Exception, path: str | Path, defaults: FolderDefaults | None = None) -> SpecError:
    """Return ``error``, raised for the job in the file at ``path``, as a SpecError with the file and known lines."""
    source = printable(path)
    if not isinstance(error, SpecError):
        return SpecError(f"{source}: cannot load the job: {type(error).__name__}: {printable(error)}")
    if any(problem.file for problem in error.problems):
        return error
    found = _sources_now(Path(path), defaults) if error.problems else None
    if found is None:
        return SpecError(f"{source}: {printable(error)}")
    return combined(map(found.located, error.problems))


def _sources_now(path: Path, defaults: FolderDefaults | None) -> Sources | None:
    """Return the sources of the job, or None when a file has changed and can no longer be read."""
    try:
        return sources(path, defaults)
    except Exception:  # noqa: BLE001 - the original error is still reported
        return None


def _own(text: str, source: str) -> Layer:
    if len(text) > LARGEST:
        raise unreadable(source, "spec too large:", f"{len(text)} characters", f"at most {LARGEST}")
    return layer(text, source)


def _job(found: Sources, name: str) -> JobSpec:
    values = found.values
    problems = [*found.problems, *_empty_beside(values)]
    try:
        spec = JobSpec.model_validate(values | {"id": name})
    except SpecError as error:
        known = {problem.path for problem in problems}
        problems += [problem for problem in error.problems if problem.path not in known]
    if not problems:
        return spec
    raise combined(map(found.located, problems))


_BESIDE = {"run": "empty value beside steps", "steps": "empty value beside run"}


def _empty_beside(values: Mapping[str, Any]) -> list[Problem]:
    """Return a problem when ``run`` or ``steps`` is empty beside the other: only ``model_dump`` writes both."""
    both = ("run", "steps") if "run" in values and "steps" in values else ()
    empty = [name for name in both if values[name] is None or values[name] == []]
    return [Problem(_BESIDE[name], name, expected="either run or steps, not both") for name in empty]
