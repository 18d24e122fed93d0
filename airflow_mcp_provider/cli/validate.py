"""``airflow mcp validate`` and ``airflow mcp schema``: job specs without an Airflow that runs.

Runs in the shell and in CI, so that a wrong spec is found before it is deployed.
"""

from __future__ import annotations

import json
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import JobSpec, job_schema, load_job, placed

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Mapping, Sequence

SUFFIXES = (".yaml", ".yml")


def main(args: Namespace) -> None:
    """Check each spec; exit with 1 when one is wrong."""
    paths = specs(map(Path, args.paths))
    if not paths:
        raise SystemExit(f"no job spec ({', '.join(SUFFIXES)}) in {', '.join(args.paths)}")
    found = [spec for path in paths if (spec := _valid(path))]
    way = circle({spec.id: spec.calls for spec in found})
    if way:
        print(f"a circle of jobs would wait for itself: {' -> '.join(way)}")  # noqa: T201 - the command's output
    raise SystemExit(1 if way or len(found) < len(paths) else 0)


def circle(calls: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a way on which a job comes to itself, where there is one; ``calls``: which jobs each may run."""
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def schema(_: Namespace) -> None:
    """Print the JSON Schema."""
    print(json.dumps(job_schema(), indent=2))  # noqa: T201 - the command's output


def specs(paths: Iterable[Path]) -> list[Path]:
    """Give the files themselves, and those of the folders, in order."""
    return [file for path in paths for file in ([path] if not path.is_dir() else _inside(path))]


def _inside(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix in SUFFIXES and file.is_file())


def _valid(path: Path) -> JobSpec | None:
    try:
        spec = load_job(path)
        _check_pod(spec)
    except SpecError as error:
        print(placed(error, path))  # noqa: T201 - the command's output
        return None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one file, the others are checked
        print(f"{path}: cannot be loaded: {type(error).__name__}: {error}")  # noqa: T201 - the command's output
        return None
    print(f"{path}: ok, job {spec.id}")  # noqa: T201 - the command's output
    return spec


def _check_pod(spec: JobSpec) -> None:
    for step in spec.each_step:
        if step.pod is not None:
            from airflow_mcp_provider.factory.pod.build import v1_pod  # noqa: PLC0415 - half a second, for specs that have one

            v1_pod(step.pod, work=True)
