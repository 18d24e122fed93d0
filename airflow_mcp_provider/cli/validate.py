"""``airflow mcp validate`` and ``airflow mcp schema``: validate job specs without a running Airflow.

Runs in the shell and in CI, to find an invalid spec before it is deployed.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mcp_provider.cli import loaders
from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import (
    FolderDefaults,
    JobSpec,
    defaults_of,
    duplicate_ids,
    job_schema,
    load_job,
    printable,
    spec_files,
    with_location,
)
from airflow_mcp_provider.spec.folder import ENDINGS

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Mapping, Sequence


def main(args: Namespace) -> None:
    """Validate all specs; exit with status 1 when one is not valid."""
    folders = specs(map(Path, args.paths))
    paths = [path for inside in folders.values() for path in inside]
    if not paths:
        raise SystemExit(f"no job spec ({', '.join(ENDINGS)}) found in {', '.join(args.paths)}")
    duplicates = {path: error for inside in folders.values() for path, error in duplicate_ids(inside).items()}
    found = [spec for path in paths if (spec := _valid(path, duplicates.get(path)))]
    ignored = loaders.ignored({file: None for folder in folders for file in loaders.beside(folder)})
    for file in ignored:
        _print(f"{printable(file)}: ignored by Airflow; {loaders.FIX}")
    path_of_calls = cycle({spec.id: spec.calls for spec in found})
    if path_of_calls:
        print(f"circular call of jobs: {' -> '.join(path_of_calls)}")  # noqa: T201 - the command's output
    raise SystemExit(1 if path_of_calls or ignored or len(found) < len(paths) else 0)


def cycle(calls: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the ids of a cycle of jobs that call each other, empty if there is none.

    ``calls`` has for each job id the ids of the jobs that it may run.
    """
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def schema(_: Namespace) -> None:
    """Print the JSON Schema."""
    print(json.dumps(job_schema(), indent=2))  # noqa: T201 - the command's output


def specs(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Return the paths of the job specs by folder, in order and without duplicates."""
    folders: dict[Path, list[Path]] = {}
    seen: set[Path] = set()
    for path in paths:
        inside = [one for one in (spec_files(path) if path.is_dir() else [path]) if one not in seen]
        folders.setdefault(path if path.is_dir() else path.parent, []).extend(inside)
        seen.update(inside)
    return folders


def _valid(path: Path, duplicate: SpecError | None) -> JobSpec | None:
    if duplicate:
        _print(duplicate)
        return None
    defaults = _defaults(path.parent)
    try:
        spec = load_job(path, defaults)
        _check_pod(spec)
    except Exception as error:  # noqa: BLE001 - an error of one file must not stop the others
        _print(with_location(error, path, defaults))
        return None
    _print(f"{printable(path)}: ok, job {spec.id}")
    return spec


@cache
def _defaults(folder: Path) -> FolderDefaults:
    return defaults_of(folder)


def _print(line: object) -> None:
    """Print a line, with escapes for characters that the encoding of stdout does not have."""
    encoding = sys.stdout.encoding or "utf-8"
    print(str(line).encode(encoding, "backslashreplace").decode(encoding))  # noqa: T201 - the command's output


def _check_pod(spec: JobSpec) -> None:
    for step in spec.each_step:
        if step.pod is not None:
            from airflow_mcp_provider.factory.pod.build import v1_pod  # noqa: PLC0415 - its import takes half a second

            v1_pod(step.pod, work=True)
