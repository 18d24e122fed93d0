"""``airflow mcp validate`` and ``airflow mcp schema``: job specs without an Airflow that runs.

Runs in the shell and in CI, so that a wrong spec is found before it is deployed.
"""

from __future__ import annotations

import json
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mcp_provider.cli import loaders
from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import JobSpec, job_schema, load_job, named_twice, placed, printable, spec_files
from airflow_mcp_provider.spec.folder import ENDINGS

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Mapping, Sequence


def main(args: Namespace) -> None:
    """Check each spec; exit with 1 when one is wrong."""
    folders = specs(map(Path, args.paths))
    paths = [path for inside in folders.values() for path in inside]
    if not paths:
        raise SystemExit(f"no job spec ({', '.join(ENDINGS)}) in {', '.join(args.paths)}")
    twins = {path: error for inside in folders.values() for path, error in named_twice(inside).items()}
    found = [spec for path in paths if (spec := _valid(path, twins.get(path)))]
    skipped = loaders.passed_over({file: None for folder in folders for file in loaders.beside(folder)})
    for file in skipped:
        _tell(f"{printable(file)}: Airflow passes over this file; {loaders.CURE}")
    way = circle({spec.id: spec.calls for spec in found})
    if way:
        print(f"a circle of jobs would wait for itself: {' -> '.join(way)}")  # noqa: T201 - the command's output
    raise SystemExit(1 if way or skipped or len(found) < len(paths) else 0)


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


def specs(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Return the job specs by the folder that a DAG file would load, in order, each once."""
    folders: dict[Path, list[Path]] = {}
    seen: set[Path] = set()
    for path in paths:
        inside = [one for one in (spec_files(path) if path.is_dir() else [path]) if one not in seen]
        folders.setdefault(path if path.is_dir() else path.parent, []).extend(inside)
        seen.update(inside)
    return folders


def _valid(path: Path, twin: SpecError | None) -> JobSpec | None:
    if twin:
        _tell(twin)
        return None
    try:
        spec = load_job(path)
        _check_pod(spec)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one file, the others are checked
        _tell(placed(error, path))
        return None
    _tell(f"{printable(path)}: ok, job {spec.id}")
    return spec


def _tell(line: object) -> None:
    """Print a line, also where the output's encoding has not all of it."""
    encoding = sys.stdout.encoding or "utf-8"
    print(str(line).encode(encoding, "backslashreplace").decode(encoding))  # noqa: T201 - the command's output


def _check_pod(spec: JobSpec) -> None:
    for step in spec.each_step:
        if step.pod is not None:
            from airflow_mcp_provider.factory.pod.build import v1_pod  # noqa: PLC0415 - half a second, for specs that have one

            v1_pod(step.pod, work=True)
