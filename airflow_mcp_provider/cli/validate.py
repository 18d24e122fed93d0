"""``airflow mcp validate`` and ``airflow mcp schema``: job specs without an Airflow that runs.

Runs in the shell and in CI, so that a wrong spec is found before it is deployed.
"""

from __future__ import annotations

import json
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import JobSpec, is_spec, job_schema, load_job, named_twice, placed, printable
from airflow_mcp_provider.spec.folder import ENDINGS

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Mapping, Sequence


def main(args: Namespace) -> None:
    """Check each spec; exit with 1 when one is wrong."""
    paths = specs(map(Path, args.paths))
    if not paths:
        raise SystemExit(f"no job spec ({', '.join(ENDINGS)}) in {', '.join(args.paths)}")
    twins = named_twice(paths)
    found = [spec for path in paths if (spec := _valid(path, twins.get(path)))]
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
    """Give the files themselves, and those of the folders, in order, each once."""
    return list(dict.fromkeys(file for path in paths for file in ([path] if not path.is_dir() else _inside(path))))


def _inside(folder: Path) -> list[Path]:
    """Give also what is no file, or a link to nowhere: the loader of DAGs meets it, too."""
    return sorted(path for path in folder.rglob("*") if is_spec(path) and not _is_hidden(path.relative_to(folder)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


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
