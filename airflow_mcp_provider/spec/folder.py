"""Find the job specs in a folder, and those with the same job id.

The loader of DAGs (``factory.folder``) and ``airflow mcp validate`` use the same rule: every ``*.yaml`` and ``*.yml``
below the folder, at any depth, whose path below it has no part that begins with a dot. The stem is the job id.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.faults import printable

ENDINGS = (".yaml", ".yml")


def spec_files(folder: Path) -> list[Path]:
    """Return the paths of the job specs in a folder and below it, sorted.

    Symbolic links are followed, as Airflow does with DAG files. A folder or device with the name of a spec is returned
    too: loading it reports the error.
    """
    return sorted(path for path in _walk(folder) if path.suffix in ENDINGS and not path.name.startswith("."))


def duplicate_ids(paths: Iterable[Path]) -> dict[Path, SpecError]:
    """Return a SpecError for each path whose job id an earlier path has."""
    first: dict[str, Path] = {}
    found = {}
    for path in paths:
        if (other := first.setdefault(path.stem, path)) != path:
            name = other.name if other.parent == path.parent else other
            found[path] = SpecError(
                f"{printable(path)}: duplicate job id {printable(path.stem)}, also that of {printable(name)}; "
                "expected one file per job id"
            )
    return found


def _walk(folder: Path) -> Iterator[Path]:
    seen = {os.path.realpath(folder)}
    for root, folders, files in os.walk(folder, followlinks=True):
        for name in [*folders, *files]:
            yield Path(root, name)
        inside = [(name, os.path.realpath(Path(root, name))) for name in folders if not name.startswith(".")]
        folders[:] = [name for name, real in inside if real not in seen]  # a link may point to a parent folder
        seen.update(real for _, real in inside)
